#include "policy/detail_words.hpp"

namespace larder::policy {

std::string_view describe(Detail detail) {
  switch (detail) {
    case Detail::none:
      return "nothing stands in the way";
    case Detail::no_rule:
      return "no rule matches the path";
    case Detail::mode_off:
      return "the rule is off";
    case Detail::mode_shadow:
      return "the rule is in shadow: what it would have done is only counted";
    case Detail::ambiguous_target:
      return "servers read this path in different ways, so it matches no rule";
    case Detail::ambiguous_query:
      return "servers read this query in different ways";
    case Detail::too_deep_path:
      return "the path has too many segments to be evicted by its collections";
    case Detail::credentials:
      return "it carries credentials, and the rule shares with anonymous requests alone; see "
             "'share'";
    case Detail::no_identity:
      return "the rule is per user, and nothing in the request says who asks";
    case Detail::several_identities:
      return "it says in more than one way who asks, and which counts is Django's to say";
    case Detail::token_malformed:
      return "its token cannot be read";
    case Detail::token_algorithm:
      return "its token is signed by an algorithm that the settings do not allow";
    case Detail::token_signature:
      return "its token is signed with no key of the settings";
    case Detail::token_expired:
      return "its token has expired";
    case Detail::token_not_yet_valid:
      return "its token is not valid yet";
    case Detail::token_audience:
      return "its token is for another audience";
    case Detail::token_issuer:
      return "its token is of another issuer";
    case Detail::token_claims:
      return "its token lacks what it needs: 'exp', the claim that says who, the type of an access "
             "token";
    case Detail::request_content:
      return "a GET with content: what it asks for is not in the key";
    case Detail::upgrade_request:
      return "it asks for another protocol";
    case Detail::request_no_store:
      return "it says no-store itself";
    case Detail::request_no_cache:
      return "it wants the origin asked (no-cache, or max-age=0, as browsers send on reload)";
    case Detail::not_stored_lately:
      return "an answer to it was not storable a moment ago, so it is not filled for";
    case Detail::store_unavailable:
      return "Redis cannot be asked just now";
    case Detail::not_ours_to_share:
      return "what is stored varies by credentials that this request carries";
    case Detail::status_not_stored:
      return "its status is not one that the rule stores";
    case Detail::set_cookie:
      return "the answer sets a cookie";
    case Detail::no_store:
      return "the answer says no-store";
    case Detail::no_cache:
      return "the answer says no-cache: it is validated before each use";
    case Detail::is_private:
      return "the answer says private";
    case Detail::vary_star:
      return "the answer varies by everything";
    case Detail::vary_unkeyed:
      return "the answer varies by fields that the key does not have";
    case Detail::too_large:
      return "the answer is larger than object_limit";
    case Detail::event_stream:
      return "the answer is an event stream";
    case Detail::already_stale:
      return "the answer was stale when it came";
    case Detail::content_cut_off:
      return "the answer was cut off";
    case Detail::no_freshness:
      return "the answer does not say how long it is fresh, and the rule neither";
    case Detail::not_understood:
      return "the answer's status demands more of a cache than is known here";
    case Detail::not_for_credentials:
      return "what is stored does not say that requests with credentials may have it";
    case Detail::conditional_request:
      return "its conditions (If-Match, If-Unmodified-Since) are for the origin to judge";
    case Detail::too_many_tags:
      return "the answer names more tags than are kept";
    case Detail::stale_while_revalidate:
      return "stale, served at once while the origin is asked for a new one";
    case Detail::stale_if_error:
      return "stale, served since the origin is in trouble";
    case Detail::max_stale:
      return "stale, which the request allows (max-stale)";
    case Detail::not_admitted_yet:
      return "the rule's 'after' wants it asked for more often first";
    case Detail::too_many_variants:
      return "more different queries than the rule's 'variants', and this one is new";
    case Detail::written_meanwhile:
      return "a write that concerns it is in flight, or has evicted it since";
    case Detail::incomplete_tag:
      return "it does not say all that the rule's 'tags' name";
    case Detail::too_long_tag:
      return "a tag of the rule would be too long";
  }
  return {};
}

std::string_view describe(ForwardReason reason) {
  switch (reason) {
    case ForwardReason::bypass:
      return "the cache has no part in it";
    case ForwardReason::method:
      return "its method is for Django alone";
    case ForwardReason::uri_miss:
      return "nothing is stored under its key";
    case ForwardReason::vary_miss:
      return "what is stored is not for its fields";
    case ForwardReason::request:
      return "the request does not take what is stored";
    case ForwardReason::stale:
      return "what is stored is no longer fresh";
  }
  return {};
}

std::string_view describe(const CacheOutcome& outcome) {
  if (outcome.detail != Detail::none) return describe(outcome.detail);
  return outcome.forward ? describe(*outcome.forward) : std::string_view();
}

}  // namespace larder::policy
