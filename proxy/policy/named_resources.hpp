// Named resources: what the answer to a write says it has changed or made (RFC 9111 4.4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace larder::policy {

/// Raw paths of the URIs in Location and Content-Location that lie on the same host: those of
/// another host are left alone, or a response could evict what is not its own. `hosts` are the
/// names this host was asked by (Host, X-Forwarded-Host); `base` is the request's path, for
/// relative references.
[[nodiscard]] std::vector<std::string> named_resources(const http::Fields& answer,
                                                       const std::vector<std::string_view>& hosts,
                                                       std::string_view base);

}  // namespace larder::policy
