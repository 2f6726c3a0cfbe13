// Redaction: what a query says in a log or a span, without the values that nobody is to read there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace larder::ops {

/// `query` with "***" in the place of the values of these parameters, however their names are
/// percent-encoded. `room` holds what is made; where nothing is to be hidden it is `query` itself.
[[nodiscard]] std::string_view redact_query(std::string_view query,
                                            const std::vector<std::string>& hidden,
                                            std::string& room);
/// The same for what follows "?" in a URL.
[[nodiscard]] std::string_view redact_url(std::string_view url,
                                          const std::vector<std::string>& hidden,
                                          std::string& room);

}  // namespace larder::ops
