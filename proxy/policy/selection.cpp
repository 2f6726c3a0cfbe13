#include "policy/selection.hpp"

#include <algorithm>
#include <utility>

#include "http/cache_control.hpp"
#include "http/content_coding.hpp"
#include "policy/compression.hpp"
#include "policy/preconditions.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

bool is_conditional(const http::Fields& fields) {
  return fields.has_any({FieldName::if_none_match, FieldName::if_modified_since, FieldName::range});
}

bool is_not_modified(const http::RequestHead& head, const Validators& validators,
                     SystemSeconds now) {
  return decide_preconditions(head, validators, now).answer ==
         PreconditionDecision::Answer::not_modified;
}

/// Does If-Range name another representation?
bool is_of_another(const RangeDecision& decision) {
  const auto* whole = std::get_if<WholeContent>(&decision);
  return whole && whole->reason == WholeContent::Reason::if_range_differs;
}

void choose(Selection& selection, const StoredResponse& stored, bool decoded) {
  selection.decoded = decoded;
  selection.length = decoded ? stored.decoded_size : stored.content.size;
  selection.own_head = decoded ? make_decoded_head(stored.head) : std::string();
}

}  // namespace

std::string_view head_of(const Selection& selection, const StoredResponse& stored) {
  if (!selection.own_head.empty()) return selection.own_head;
  return stored.is_compressed() ? std::string_view(stored.coded_head)
                                : std::string_view(stored.head);
}

bool varies_by_coding(const StoredResponse& arriving, const std::optional<std::size_t>& length,
                      const CompressionRule& rule) {
  if (!length) return false;
  const CompressionDecision decision =
      decide_compression({.status = arriving.status, .head = arriving.head, .size = *length}, rule);
  return std::holds_alternative<StoreCompressed>(decision);
}

Selection select(const http::RequestHead& head, const StoredResponse& stored, SystemSeconds now) {
  Selection selection;
  bool is_other_acceptable = false;
  if (stored.is_compressed()) {
    const bool no_transform = head.fields.has(FieldName::cache_control) &&
                              http::parse_request_cache_control(head.fields).no_transform;
    const RepresentationDecision representation =
        decide_representation(http::AcceptEncoding(head.fields), true, no_transform);
    is_other_acceptable = representation.is_other_acceptable;
    choose(selection, stored, representation.which == RepresentationDecision::Which::decoded);
  } else {
    selection.length = stored.content.size;
  }
  // RFC 9110 13.2.1: conditions mean nothing to what is no success.
  const bool is_success = stored.status >= 200 && stored.status < 300;
  if (!is_success || !is_conditional(head.fields)) return selection;

  const auto validators_of = [&](const Selection& one) {
    return read_validators(head_of(one, stored), stored.response_time);
  };
  const Validators validators = validators_of(selection);
  selection.not_modified = is_not_modified(head, validators, now);
  if (selection.not_modified) return selection;
  Selection other;  // that the client may have already, whole or in part
  if (is_other_acceptable) {
    choose(other, stored, !selection.decoded);
    other.not_modified = is_not_modified(head, validators_of(other), now);
    if (other.not_modified) return other;
  }
  if (stored.status != 200) return selection;
  selection.range = decide_range(head, validators, selection.length, now);
  if (is_other_acceptable && is_of_another(selection.range)) {
    other.range = decide_range(head, validators_of(other), other.length, now);
    if (!is_of_another(other.range)) return other;
  }
  return selection;
}

}  // namespace larder::policy
