// Target: a request's path and query, normalised once for matching and for keys (RFC 3986 6.2.2).
//
// Only what cannot change the meaning is done: hex digits to upper case, unreserved characters
// decoded. Everything a server might read in two ways makes the target ambiguous: such a request is
// passed on uncached, as it came. What is sent to the origin is always what the client sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

enum class Ambiguity : std::uint8_t {
  none,
  dot_segment,
  empty_segment,
  encoded_slash,
  encoded_backslash,
  backslash,
  encoded_control,
  path_parameter,
  broken_percent,
  non_ascii,
  encoded_percent_or_dot,
};
[[nodiscard]] std::string_view describe(Ambiguity ambiguity);

/// Normalises `path` into `normal` (storage used again). Two paths that give the same `normal` mean
/// the same to every server; for an ambiguous one `normal` is unspecified.
[[nodiscard]] Ambiguity normalise_path(std::string_view path, std::string& normal);

/// Every path a server may take `path` for: percent-decoded once as WSGI's PATH_INFO is (then
/// encoded again in the normal form), as it is, with empty segments merged and with dot segments
/// removed. Used to evict: too much is harmless, too little is stale. Never empty; at most 4,
/// without repeats.
[[nodiscard]] std::vector<std::string> possible_paths(std::string_view path);

/// One parameter of a query. Name and value as sent but for normalised percent-encoding; "+" stays
/// "+" for values and means space for names when compared. `has_equals` tells "a" from "a=".
struct QueryParameter {
  std::string name;
  std::string value;
  bool has_equals = false;
  std::string_view raw;  ///< the piece as sent, between "&"
};
/// Splits at "&". Nothing when a percent sign is broken, a control character is encoded, or ";"
/// occurs (some servers split there too).
[[nodiscard]] std::optional<std::vector<QueryParameter>> parse_query(std::string_view query);

}  // namespace larder::http
