// Cache status: what happened to one request, as one record, and the fields that tell a client
// (RFC 9211; X-Cache-Status as nginx users and django-redis views know it).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::http {
class TextWriter;
}

namespace larder::policy {

using std::chrono::seconds;

/// Why a request went on to the origin (RFC 9211 2.2).
enum class ForwardReason : std::uint8_t {
  bypass,     ///< not handled by the cache at all
  method,     ///< the method's semantics require it
  uri_miss,   ///< nothing stored under this key
  vary_miss,  ///< something stored, but not for these request fields
  request,    ///< the request's directives forbade reuse
  stale,      ///< what is stored is no longer fresh
};
[[nodiscard]] std::string_view format_forward_reason(ForwardReason reason);

/// The particular behind a ForwardReason or an unstored answer: Cache-Status `detail`, and the log.
enum class Detail : std::uint8_t {
  none,
  no_rule,
  mode_off,
  mode_shadow,
  ambiguous_target,
  ambiguous_query,
  too_deep_path,
  credentials,
  no_identity,         ///< share: per-user, and nothing says who asks
  several_identities,  ///< and more than one thing does
  token_malformed,     ///< and a token does that is not believed (identity::Unverified)
  token_algorithm,
  token_signature,
  token_expired,
  token_not_yet_valid,
  token_audience,
  token_issuer,
  token_claims,
  request_content,
  upgrade_request,
  request_no_store,
  request_no_cache,
  not_stored_lately,
  store_unavailable,
  not_ours_to_share,
  status_not_stored,
  set_cookie,
  no_store,
  no_cache,
  is_private,
  vary_star,
  vary_unkeyed,
  too_large,
  event_stream,
  already_stale,
  content_cut_off,
  no_freshness,
  not_understood,
  not_for_credentials,
  conditional_request,
  too_many_tags,
  stale_while_revalidate,
  stale_if_error,
  max_stale,
  not_admitted_yet,   ///< the rule's `after`
  too_many_variants,  ///< the rule's `variants`
  written_meanwhile,  ///< a write that concerns it was in flight, or has evicted it since
  incomplete_tag,     ///< the request does not say all that the rule's `tags` name
  too_long_tag,
};
/// Lower case with hyphens: "no-rule".
[[nodiscard]] std::string_view format_detail(Detail detail);

enum class CacheResult : std::uint8_t { hit, miss, bypass, stale, expired };

/// What became of one request as far as the cache is concerned.
struct CacheOutcome {
  CacheResult result = CacheResult::bypass;
  std::optional<ForwardReason> forward{};  ///< none on a hit, and where Larder answers itself
  std::optional<std::uint16_t>
      forward_status{};          ///< of the origin, where it differs from what was sent
  std::optional<seconds> ttl{};  ///< freshness left; negative when stale
  bool stored = false;
  bool collapsed = false;
  Detail detail = Detail::none;
  std::string_view key{};  ///< told only when asked for; empty: not told
};

/// Appends "X-Cache-Status: HIT\r\nCache-Status: larder; hit; ttl=59\r\n". Where a
/// Cache-Status is there already, ours has to stand behind it (RFC 9211 2).
void put_cache_status(const CacheOutcome& outcome, http::TextWriter& lines);
void append_cache_status(const CacheOutcome& outcome, std::string& out);

[[nodiscard]] std::string_view format_cache_result(CacheResult result);

}  // namespace larder::policy
