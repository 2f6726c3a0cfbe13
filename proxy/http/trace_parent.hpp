// Trace parent: where a request belongs in a trace (W3C Trace Context, 3.2).
#pragma once

#include <optional>
#include <string_view>

namespace larder::http {

/// Views into the value it was read from.
struct TraceParent {
  std::string_view trace_id;   ///< 32 hexadecimal digits in lower case, not all zero
  std::string_view parent_id;  ///< 16 of them, not all zero
  bool is_sampled = false;     ///< the caller may have recorded it
};

/// Nothing: not a traceparent, and to be treated as if there were none.
[[nodiscard]] std::optional<TraceParent> parse_trace_parent(std::string_view value);

}  // namespace larder::http
