#include "policy/preconditions.hpp"

#include <algorithm>
#include <array>

#include "http/date.hpp"
#include "http/entity_tag.hpp"
#include "policy/stored_lines.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

using Answer = PreconditionDecision::Answer;
using Reason = PreconditionDecision::Reason;

/// The value of a field that may be there once; empty when its lines differ.
class SingleValue {
 public:
  void add(std::string_view value) {
    differs_ = differs_ || (seen_ && value != value_);
    seen_ = true;
    value_ = value;
  }
  [[nodiscard]] std::string_view get() const { return differs_ ? std::string_view{} : value_; }

 private:
  std::string_view value_;
  bool seen_ = false;
  bool differs_ = false;
};

PreconditionDecision decide_modified_since(const http::Fields& fields, const Validators& stored,
                                           SystemSeconds now) {
  // RFC 9110 13.1.3: ignored if it is not a valid HTTP-date or has more than one member.
  if (fields.count(FieldName::if_modified_since) != 1)
    return {Answer::send_whole, Reason::date_ignored};
  const auto since = http::parse_date(*fields.first(FieldName::if_modified_since), now);
  if (!since) return {Answer::send_whole, Reason::date_ignored};
  // RFC 9111 4.3.2: without Last-Modified, the stored response's Date is what counts.
  const SystemSeconds modified = http::parse_date(stored.last_modified, now).value_or(stored.date);
  if (modified <= *since) return {Answer::not_modified, Reason::not_modified_since};
  return {Answer::send_whole, Reason::modified_since};
}

bool begins_with(std::string_view name, std::string_view prefix) {
  return http::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

/// Does this field describe the content that a 304 does not have (RFC 9110 15.4.5: "representation
/// metadata other than the above listed fields")? Last-Modified apart.
bool describes_content(const StoredLine& line) {
  if (line.id == FieldName::content_location) return false;
  if (begins_with(line.name, "content-security-policy")) return false;
  constexpr std::array<std::string_view, 2> digests = {"digest", "repr-digest"};
  return begins_with(line.name, "content-") ||
         std::any_of(digests.begin(), digests.end(), [&](std::string_view name) {
           return http::equals_ignoring_case(line.name, name);
         });
}

}  // namespace

Validators read_validators(std::string_view head, SystemSeconds response_time) {
  SingleValue etag;
  SingleValue last_modified;
  SingleValue date;
  for_each_line(head, [&](const StoredLine& line) {
    if (line.id == FieldName::etag) etag.add(line.value);
    if (line.id == FieldName::last_modified) last_modified.add(line.value);
    if (line.id == FieldName::date) date.add(line.value);
  });
  return {etag.get(), last_modified.get(),
          http::parse_date(date.get(), response_time).value_or(response_time)};
}

PreconditionDecision decide_preconditions(const http::RequestHead& head, const Validators& stored,
                                          SystemSeconds now) {
  // RFC 9110 13.1.2, 13.1.3: for other methods these conditions mean 412 or nothing, and both are
  // the origin's to say.
  if (head.method != http::Method::get && head.method != http::Method::head)
    return {Answer::pass_on, Reason::method};
  // RFC 9111 4.3.2: a cache must not evaluate conditions that only apply to an origin server.
  if (head.fields.has(FieldName::if_match) || head.fields.has(FieldName::if_unmodified_since))
    return {Answer::pass_on, Reason::for_the_origin};

  // RFC 9110 13.1.2: If-None-Match compares weakly.
  switch (http::match_entity_tag(head.fields, FieldName::if_none_match,
                                 http::parse_entity_tag(stored.etag), http::TagComparison::weak)) {
    case http::TagMatch::any:
      return {Answer::not_modified, Reason::any_representation};
    case http::TagMatch::listed:
      return {Answer::not_modified, Reason::entity_tag_listed};
    case http::TagMatch::not_listed:
      // RFC 9110 13.1.3: If-Modified-Since must be ignored beside If-None-Match.
      return {Answer::send_whole, Reason::entity_tag_not_listed};
    case http::TagMatch::absent:
      break;
  }
  if (head.fields.has(FieldName::if_modified_since))
    return decide_modified_since(head.fields, stored, now);
  return {Answer::send_whole, Reason::unconditional};
}

void append_not_modified_fields(std::string_view head, std::string& out) {
  bool has_etag = false;
  for_each_line(head,
                [&](const StoredLine& line) { has_etag = has_etag || line.id == FieldName::etag; });
  for_each_line(head, [&](const StoredLine& line) {
    const bool is_superseded = has_etag && line.id == FieldName::last_modified;
    if (!is_superseded && !describes_content(line)) out.append(line.text);
  });
}

}  // namespace larder::policy
