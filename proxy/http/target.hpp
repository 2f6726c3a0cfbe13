// Target: a request's path and query, normalised once for matching and for keys (RFC 3986 6.2.2).
//
// Only what cannot change the meaning is done: hex digits to upper case, unreserved characters
// decoded. Everything a server might read in two ways makes the target ambiguous: such a request is
// passed on uncached, as it came. What is sent to the origin is always what the client sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

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
  std::string_view name;
  std::string_view value;
  bool has_equals = false;
  std::string_view raw;  ///< the piece as sent, between "&"
};
/// Views into the query that was parsed, and into what is kept here of names and values that were
/// not in the normal form.
class QueryParameters {
 public:
  using Parameters = boost::container::small_vector<QueryParameter, 8>;

  /// Not defaulted: that would have the room for eight cleared each time.
  QueryParameters() {}
  [[nodiscard]] std::size_t size() const { return parameters_.size(); }
  [[nodiscard]] const QueryParameter& operator[](std::size_t at) const { return parameters_[at]; }
  [[nodiscard]] Parameters::const_iterator begin() const { return parameters_.begin(); }
  [[nodiscard]] Parameters::const_iterator end() const { return parameters_.end(); }
  /// Those of one name keep their order, which may mean something.
  void sort_by_name();

 private:
  friend std::optional<QueryParameters> parse_query(std::string_view query);

  Parameters parameters_;
  std::unique_ptr<char[]> normal_;
};
/// Splits at "&". Nothing when a percent sign is broken, a control character is encoded, or ";"
/// occurs (some servers split there too).
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);

}  // namespace larder::http
