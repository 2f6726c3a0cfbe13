// Route: what the rules file becomes, and what a match says. Which rule it is: policy/route_index.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/accept.hpp"
#include "http/field_name.hpp"
#include "policy/compression.hpp"
#include "policy/key_template.hpp"
#include "policy/path_pattern.hpp"

namespace larder::policy {

using std::chrono::seconds;

/// Who may get one stored response.
enum class Share : std::uint8_t {
  anonymous,  ///< requests without Authorization and without a session cookie; others are passed on
  everyone,   ///< credentials are ignored, and not sent on when filling
  per_user,   ///< requests of one user, told by identity/identifier; others are passed on
};

/// Under `per_user`: whose writes change what a user gets.
enum class WrittenBy : std::uint8_t {
  anyone,  ///< anybody's: a write evicts every user's responses
  owner,   ///< that user's alone: a write evicts the writer's
};

/// What another replica's write makes old: until when it is served from memory.
enum class Coherence : std::uint8_t {
  heartbeat,  ///< for as long as the news of it takes, and never longer than the heartbeat
  strict,     ///< not at all: Redis is asked before each hit
};

enum class Mode : std::uint8_t {
  on,
  shadow,  ///< as off; what it would have done is counted (policy/shadow)
  off,     ///< nothing is answered from the store nor kept; what else the rule says holds
};

/// A request field that makes variants. `offered` (for Accept and Accept-Language only): the media
/// types or languages the origin offers, in its order of preference; the field is normalised to
/// them. Empty: the value counts, but for what makes no difference (case, spaces).
struct VaryField {
  VaryField(std::string lower_name, std::vector<std::string> offers)
      : name(std::move(lower_name)),
        offered(std::move(offers)),
        id(http::parse_field_name(name)),
        types(offered) {}

  std::string name;  ///< lower case
  std::vector<std::string> offered;
  http::FieldName id;        ///< of `name`
  http::OfferedTypes types;  ///< `offered`, read as media types
  bool operator==(const VaryField& other) const {
    return name == other.name && offered == other.offered;
  }
};

/// Writes elsewhere that make this rule's responses old.
struct EvictOn {
  PathPattern path;                  ///< by prefix: PathPattern::covers
  std::vector<std::string> methods;  ///< empty: every unsafe method
};

/// `ttl: origin`: freshness is the origin's word (RFC 9111 4.2).
struct OriginFreshness {
  std::optional<seconds>
      otherwise;                ///< where a 200 says nothing of its freshness; none: not stored
  std::optional<seconds> most;  ///< no lifetime is longer; none: no bound
  bool heuristic = false;       ///< a tenth of its age where only Last-Modified is known
  bool operator==(const OriginFreshness&) const = default;
};

/// How long answers of a status are fresh under a rule's own `ttl`.
struct StatusTtl {
  std::uint16_t status = 0;
  seconds ttl{0};
  bool operator==(const StatusTtl&) const = default;
};

struct RouteRule {
  std::string name;   ///< unique; the first path when the file gives none
  std::string place;  ///< where people find it: "rules.yaml:7"; empty: in no file
  std::vector<PathPattern> paths;
  Mode mode = Mode::on;
  unsigned verify = 0;  ///< of a million hits, so many are compared with what the origin says now
  seconds ttl{0};       ///< of a 200, whatever the origin says; unused with `origin`
  std::optional<OriginFreshness> origin;  ///< instead of `ttl` and `statuses`
  std::vector<StatusTtl> statuses;        ///< others that are stored
  /// RFC 5861, in the place of what a response says; none: what it says.
  std::optional<seconds> stale_while_revalidate;
  std::optional<seconds> stale_if_error;
  /// Do requests steer reuse by Cache-Control and Pragma (RFC 9111 5.2.1)? no-store and
  /// only-if-cached do in any case.
  bool obeys_requests = true;
  bool makes_etags = true;  ///< for responses whose origin sends none
  CompressionRule compression;
  KeyTemplate key;
  Share share = Share::anonymous;
  WrittenBy written_by = WrittenBy::anyone;
  Coherence coherence = Coherence::heartbeat;
  /// A key is filled for from this miss on (policy/key_admission).
  unsigned after = 1;
  /// Different queries asked for within an hour or two, beyond which a new one is not filled for at
  /// once; zero: no bound.
  unsigned variants = 10'000;
  /// Stored responses of one URL that differ by what clients may choose freely (url_with_variants);
  /// beyond it the oldest go. Zero: no bound.
  unsigned variants_per_url = 100;
  std::vector<VaryField> vary;  ///< default: Accept with application/json, text/html
  std::vector<EvictOn> evict_on;
  std::vector<KeyTemplate> tags;  ///< what its responses belong to besides (policy/rule_tags)
  /// First byte of the origin's answer; zero: the setting `first_byte_timeout` holds.
  std::chrono::milliseconds first_byte_timeout{0};
  /// Bytes of a request's content; none: the setting `body_limit` holds; 0: no limit.
  std::optional<std::uint64_t> body_limit;
  /// The origin's whole answer; zero: no limit; nothing: the setting `response_timeout` holds.
  std::optional<std::chrono::milliseconds> response_timeout{};
  /// Of what gives a stored response its meaning (paths, key, share, written_by, tags, vary): a
  /// change of it is a change of every key, so that nothing is served under a meaning it was not
  /// stored with.
  std::uint64_t fingerprint = 0;

  [[nodiscard]] bool is_strict() const { return coherence == Coherence::strict; }
};

struct RouteMatch {
  const RouteRule* rule = nullptr;  ///< none when no rule matches
  /// Views into the path given; none where neither the key nor a tag of the rule names one.
  PathParameters parameters;
};

struct Routes {
  std::vector<RouteRule> rules;
};

}  // namespace larder::policy
