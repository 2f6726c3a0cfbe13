// JSON members: one JSON object from outside, read strictly, with bounds (RFC 8259; RFC 7515 4 and
// RFC 7519 4: names must be unique).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

namespace larder::identity {

/// Nothing when the text is no JSON object in UTF-8, nests deeper than `depth` (1: members are
/// scalars), or has a name twice in any object.
[[nodiscard]] std::optional<boost::json::object> parse_json_object(std::string_view text,
                                                                   std::size_t depth);

}  // namespace larder::identity
