#include "policy/cache_status.hpp"

#include "http/text_writer.hpp"

namespace larder::policy {

std::string_view format_forward_reason(ForwardReason reason) {
  switch (reason) {
    case ForwardReason::bypass:
      return "bypass";
    case ForwardReason::method:
      return "method";
    case ForwardReason::uri_miss:
      return "uri-miss";
    case ForwardReason::vary_miss:
      return "vary-miss";
    case ForwardReason::request:
      return "request";
    case ForwardReason::stale:
      return "stale";
  }
  return {};
}

std::string_view format_detail(Detail detail) {
  switch (detail) {
    case Detail::none:
      return "none";
    case Detail::no_rule:
      return "no-rule";
    case Detail::mode_shadow:
      return "mode-shadow";
    case Detail::mode_off:
      return "mode-off";
    case Detail::ambiguous_target:
      return "ambiguous-target";
    case Detail::ambiguous_query:
      return "ambiguous-query";
    case Detail::too_deep_path:
      return "too-deep-path";
    case Detail::credentials:
      return "credentials";
    case Detail::no_identity:
      return "no-identity";
    case Detail::several_identities:
      return "several-identities";
    case Detail::token_malformed:
      return "token-malformed";
    case Detail::token_algorithm:
      return "token-algorithm";
    case Detail::token_signature:
      return "token-signature";
    case Detail::token_expired:
      return "token-expired";
    case Detail::token_not_yet_valid:
      return "token-not-yet-valid";
    case Detail::token_audience:
      return "token-audience";
    case Detail::token_issuer:
      return "token-issuer";
    case Detail::token_claims:
      return "token-claims";
    case Detail::request_content:
      return "request-content";
    case Detail::upgrade_request:
      return "upgrade-request";
    case Detail::request_no_store:
      return "request-no-store";
    case Detail::request_no_cache:
      return "request-no-cache";
    case Detail::not_stored_lately:
      return "not-stored-lately";
    case Detail::store_unavailable:
      return "store-unavailable";
    case Detail::not_ours_to_share:
      return "not-ours-to-share";
    case Detail::status_not_stored:
      return "status-not-stored";
    case Detail::set_cookie:
      return "set-cookie";
    case Detail::no_store:
      return "no-store";
    case Detail::no_cache:
      return "no-cache";
    case Detail::is_private:
      return "private";
    case Detail::vary_star:
      return "vary-star";
    case Detail::vary_unkeyed:
      return "vary-unkeyed";
    case Detail::too_large:
      return "too-large";
    case Detail::event_stream:
      return "event-stream";
    case Detail::already_stale:
      return "already-stale";
    case Detail::content_cut_off:
      return "content-cut-off";
    case Detail::no_freshness:
      return "no-freshness";
    case Detail::not_understood:
      return "not-understood";
    case Detail::not_for_credentials:
      return "not-for-credentials";
    case Detail::conditional_request:
      return "conditional-request";
    case Detail::too_many_tags:
      return "too-many-tags";
    case Detail::stale_while_revalidate:
      return "stale-while-revalidate";
    case Detail::stale_if_error:
      return "stale-if-error";
    case Detail::max_stale:
      return "max-stale";
    case Detail::not_admitted_yet:
      return "not-admitted-yet";
    case Detail::too_many_variants:
      return "too-many-variants";
    case Detail::written_meanwhile:
      return "written-meanwhile";
    case Detail::incomplete_tag:
      return "incomplete-tag";
    case Detail::too_long_tag:
      return "too-long-tag";
  }
  return {};
}

std::string_view format_cache_result(CacheResult result) {
  switch (result) {
    case CacheResult::hit:
      return "HIT";
    case CacheResult::miss:
      return "MISS";
    case CacheResult::bypass:
      return "BYPASS";
    case CacheResult::stale:
      return "STALE";
    case CacheResult::expired:
      return "EXPIRED";
  }
  return {};
}

namespace {
/// Not so of an answer that Larder makes itself, such as a 504 for only-if-cached.
bool is_from_store(CacheResult result) {
  return result == CacheResult::hit || result == CacheResult::stale;
}
}  // namespace

void put_cache_status(const CacheOutcome& outcome, http::TextWriter& lines) {
  lines.put("X-Cache-Status: ");
  lines.put(format_cache_result(outcome.result));
  lines.put("\r\nCache-Status: larder");
  if (outcome.forward) {
    lines.put("; fwd=");
    lines.put(format_forward_reason(*outcome.forward));
    if (outcome.forward_status) {
      lines.put("; fwd-status=");
      lines.put_number(*outcome.forward_status);
    }
  } else if (is_from_store(outcome.result)) {
    lines.put("; hit");
  }
  if (outcome.ttl) {
    lines.put("; ttl=");
    const std::int64_t ttl = outcome.ttl->count();
    if (ttl < 0) lines.put('-');
    lines.put_number(static_cast<std::uint64_t>(ttl < 0 ? -ttl : ttl));
  }
  if (outcome.stored) lines.put("; stored");
  if (outcome.collapsed) lines.put("; collapsed");
  if (outcome.detail != Detail::none) {
    lines.put("; detail=");
    lines.put(format_detail(outcome.detail));
  }
  if (!outcome.key.empty()) {
    // A string of RFC 8941 3.3.3; keys are visible ASCII.
    lines.put("; key=\"");
    for (const char c : outcome.key) {
      if (c == '"' || c == '\\') lines.put('\\');
      lines.put(c);
    }
    lines.put('"');
  }
  lines.put("\r\n");
}

void append_cache_status(const CacheOutcome& outcome, std::string& out) {
  constexpr std::size_t usual_lines = 160;
  http::TextWriter lines(out, usual_lines);
  put_cache_status(outcome, lines);
}

}  // namespace larder::policy
