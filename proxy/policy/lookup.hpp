// Lookup: may this request be answered from the store at all, and under which key (RFC 9111
// 2, 4.1)?
//
// The key is injective over what it contains: every part is normalised, escaped, and ended by a
// character that no escaped part contains. Only the rule decides what it contains. Of who asks it
// holds a digest, and of a token's claims theirs: keys stand in Redis and in answers that explain.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/accept.hpp"
#include "identity/identifier.hpp"
#include "policy/cache_status.hpp"
#include "policy/forwarding.hpp"
#include "policy/learned_vary.hpp"
#include "policy/route.hpp"

namespace larder::policy {

/// Passed on as it came: the store has no part in it.
struct PassOn {
  ForwardReason reason = ForwardReason::bypass;
  Detail detail = Detail::none;
};

/// What a client demands of reuse (RFC 9111 5.2.1).
struct Demands {
  bool no_cache = false;                    ///< reuse nothing without asking the origin
  bool only_if_cached = false;              ///< 504 rather than asking the origin
  std::optional<seconds> max_age{};         ///< nothing older
  std::optional<seconds> min_fresh{};       ///< fresh for at least this long
  std::optional<seconds> max_stale{};       ///< no more than this long after its lifetime
  std::optional<seconds> stale_if_error{};  ///< likewise, rather than an error (RFC 5861 4)
  /// The request carries credentials that no fill sends (`ttl: origin` alone): only what its terms
  /// open to such requests may answer it (RFC 9111 3.5).
  bool has_credentials = false;
};

struct LookUp {
  Demands demands;
};

using LookupDecision = std::variant<LookUp, PassOn>;

/// What the fields that make variants added to a connection's last key: most clients send the same
/// ones again, for one URL or another. Of one set of rules, whose owner empties it.
struct VariantMemory {
  std::string text;
  std::uint64_t section = 0;  ///< as RequestHead has it; 0: nothing is remembered
  const RouteRule* rule = nullptr;
  const LearnedVary::Names* learned = nullptr;
};

/// `path` is the normal form of the request's path, `ambiguous` whether it has none.
struct LookupFacts {
  const http::RequestHead& head;
  const RouteMatch& match;
  std::string_view path;
  bool ambiguous = false;
  const ForwardedFacts& forwarded;
  std::span<const std::string> session_cookies;
  /// Who asks; needed under `share: per-user` alone, where null is nobody.
  const identity::Identification* who = nullptr;
  /// Of this thread; null: nothing is remembered.
  http::AcceptMemory* accepts = nullptr;
  /// Of the request's connection; null: likewise.
  VariantMemory* variants = nullptr;
};
[[nodiscard]] LookupDecision decide_lookup(const LookupFacts& facts);

/// Does the client ask to be told the key ("Larder-Explain: 1"), and may it be?
[[nodiscard]] bool wants_explanation(const http::RequestHead& head,
                                     const ForwardedFacts& forwarded);

/// Appends the cache key. False: the query has no single meaning, the request is to be passed on.
[[nodiscard]] bool append_cache_key(const LookupFacts& facts, const LearnedVary::Names& learned,
                                    std::string& key);

/// The part of a key that all variants of its URL share, where there may be any number of them: by
/// what a response's Vary names (RFC 9111 4.1), or the rule's `vary` without a list of what is on
/// offer. Empty: only as many as rule and URL allow.
[[nodiscard]] std::string_view url_with_variants(std::string_view key);

/// The request a miss sends to the origin: a function of the key, but for the credentials of the
/// one user that the key is for, who may have several tokens.
struct FillRequest {
  std::string target;
  std::vector<KeyedField> keyed;  ///< under `share: per-user` Authorization too
  std::string cookie;
  /// The client's own request said more than this one, in a way that may have changed its answer.
  /// Then an answer that is not stored is not the client's either.
  bool differs = false;
};
[[nodiscard]] FillRequest make_fill_request(const LookupFacts& facts,
                                            const LearnedVary::Names& learned);

}  // namespace larder::policy
