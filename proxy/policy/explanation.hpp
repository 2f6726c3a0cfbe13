// Explanation: what the rules say of one request, with every step told: the rule and why not the
// ones before it, the key and its parts, the tags, what would happen and why, what a write evicts.
//
// It decides nothing by itself: each step is the function that serving calls
// (session/exchange), in its order. What is to be shown is made from the redacted request, so that
// it can be printed anywhere; `key` and `tags` are the real ones, for looking into a store.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/target.hpp"
#include "policy/cache_status.hpp"
#include "policy/lookup.hpp"
#include "policy/reuse.hpp"
#include "policy/route.hpp"
#include "policy/route_index.hpp"
#include "policy/stored_response.hpp"
#include "policy/tags.hpp"

namespace larder::policy {

/// What is to be explained. Everything outlives the explanation.
struct ExplainedRequest {
  const Routes& routes;
  const RouteIndex& index;  ///< of `routes`
  const http::RequestHead& head;
  std::string_view peer;  ///< its address
  bool trusted = false;
  std::string_view scheme = "http";
  std::span<const std::string> session_cookies;
  /// Who asks, as far as it can be told; counts only where serving asks for it.
  const identity::Identification& who;
};

/// A path of a rule that came before, or of all of them.
struct NotMatched {
  const RouteRule* rule = nullptr;
  const PathPattern* pattern = nullptr;
  std::string why;
};

/// A part of the key, or a field that makes variants, in the key's order.
struct KeyPartSaid {
  std::string part;   ///< as a rule writes it: "{query.page}"; "host", "user", "vary accept"
  std::string value;  ///< without secrets; empty: the request has none of it
};

/// A rule that a write evicts something of, and why it does.
struct EvictedRule {
  const RouteRule* rule = nullptr;
  std::string why;
};

struct Explanation {
  std::string path;  ///< in the normal form; empty when `ambiguity` says why it has none
  http::Ambiguity ambiguity = http::Ambiguity::none;
  std::vector<NotMatched> before;
  const RouteRule* rule = nullptr;  ///< none: no rule matches
  const PathPattern* pattern = nullptr;
  std::vector<std::pair<std::string, std::string>> parameters;

  /// Is the store asked? If not, `outcome` is final.
  bool is_looked_up = false;
  Demands demands;
  /// As Cache-Status would say it, while nothing is stored (decide_outcome otherwise).
  CacheOutcome outcome;

  std::string key;  ///< empty: there is none. Not to be shown
  std::string shown_key;
  std::string filled_in;  ///< the rule's `key` with its parts in their places: "/api/a/?page=2"
  std::vector<KeyPartSaid> key_parts;
  std::string fill_target;    ///< what a fill asks the origin for
  bool fill_differs = false;  ///< the request says more than the fill does (FillRequest)
  Tags rule_tags;             ///< of the rule, filled in. Not to be shown
  Tags shown_tags;
  std::string user;  ///< digest of whom responses are tagged by; empty: they are not

  bool is_write = false;
  Tags evicts;  ///< should it succeed. Not to be shown
  Tags shown_evicts;
  std::vector<EvictedRule> evicted_rules;
};

/// What is decided before anything is looked up. `learned`: of each rule, by its number; of those
/// beyond its end nothing has been learned.
[[nodiscard]] Explanation explain(const ExplainedRequest& request,
                                  const std::vector<LearnedVary::Names>& learned = {});

/// What becomes of a request that is looked up (`is_looked_up`), with this stored for its key, and
/// softened; null: nothing. A Refill is what the origin is asked for: what its answer makes of it
/// is not known here.
[[nodiscard]] CacheOutcome decide_outcome(const Explanation& explanation,
                                          const http::RequestHead& head,
                                          const StoredResponse* stored, bool is_softened,
                                          SystemSeconds now);

/// Field lines, each with its CRLF, that tell a client of the rule and its tags: Larder-Rule and
/// Larder-Tags. `user`: the digest of whom responses are tagged by; empty: they are not.
[[nodiscard]] std::string format_explanation_fields(const LookupFacts& facts,
                                                    std::string_view user);

/// The key that a request has, for whoever may see it: without the values of cookies.
[[nodiscard]] std::string make_shown_key(const LookupFacts& facts,
                                         const LearnedVary::Names& learned);

}  // namespace larder::policy
