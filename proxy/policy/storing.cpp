#include "policy/storing.hpp"

#include <algorithm>

#include "http/cache_control.hpp"
#include "http/date.hpp"
#include "policy/forwarding.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// A trait of the resource, not of the moment: long enough to spare the origin a second request for
/// each answer that cannot be shared, short enough that a changed view is noticed.
constexpr seconds trait_of_resource{60};
constexpr seconds trait_of_moment{1};

bool is_keyed(std::span<const KeyedField> keyed, const std::string& name) {
  return std::any_of(keyed.begin(), keyed.end(),
                     [&](const KeyedField& field) { return field.name == name; });
}

}  // namespace

LearnedVary::Names vary_names(const http::Fields& fields) {
  LearnedVary::Names names;
  for (const http::FieldLine& line : fields) {
    if (line.id != FieldName::vary) continue;
    std::string name;
    for (const char c : line.value) {
      if (c == ',') {
        if (!name.empty()) names.push_back(std::move(name));
        name.clear();
      } else if (c != ' ' && c != '\t') {
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
    if (!name.empty()) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

seconds corrected_initial_age(const http::Fields& fields, SystemSeconds request_time,
                              SystemSeconds response_time) {
  seconds age_value{0};
  if (const auto age = fields.first(FieldName::age))
    age_value = http::parse_delta_seconds(*age).value_or(seconds{0});
  seconds apparent_age{0};
  if (const auto text = fields.first(FieldName::date)) {
    if (const auto date = http::parse_date(*text, response_time))
      apparent_age = std::max(response_time - *date, seconds{0});
  }
  const seconds response_delay = std::max(response_time - request_time, seconds{0});
  return std::max(apparent_age, age_value + response_delay);
}

StoringDecision decide_storing(const StoringFacts& facts) {
  const http::Fields& fields = facts.head.fields;
  if (facts.head.status != 200)
    return DoNotStore{
        Detail::status_not_stored, facts.head.status >= 500 ? seconds{0} : trait_of_moment, {}};
  if (fields.has(FieldName::set_cookie))
    return DoNotStore{Detail::set_cookie, trait_of_resource, {}};
  if (const auto type = fields.first(FieldName::content_type);
      type && type->starts_with("text/event-stream"))
    return DoNotStore{Detail::event_stream, trait_of_resource, {}};

  if (fields.has(FieldName::cache_control)) {
    const http::ResponseCacheControl control = http::parse_response_cache_control(fields);
    if (control.no_store) return DoNotStore{Detail::no_store, trait_of_resource, {}};
    if (control.is_private || !control.private_fields.empty())
      return DoNotStore{Detail::is_private, trait_of_resource, {}};
    // RFC 9111 5.2.2.4: may be stored but not reused without validation, which would gain nothing
    // yet.
    if (control.no_cache || !control.no_cache_fields.empty())
      return DoNotStore{Detail::no_cache, trait_of_resource, {}};
  }

  const LearnedVary::Names vary = vary_names(fields);
  DoNotStore unkeyed{Detail::vary_unkeyed, seconds{0}, {}};
  for (const std::string& name : vary) {
    if (name == "*") return DoNotStore{Detail::vary_star, trait_of_resource, {}};
    if (name == "cookie" || name == "authorization") continue;  // see is_selected
    if (!is_keyed(facts.keyed, name)) unkeyed.unkeyed.push_back(name);
  }
  if (!unkeyed.unkeyed.empty()) return unkeyed;

  if (facts.head.framing.kind == http::BodyFraming::Kind::length &&
      facts.head.framing.length > facts.object_limit)
    return DoNotStore{Detail::too_large, trait_of_resource, {}};
  // RFC 9112 8: where only the connection's end delimits the content, a cut cannot be told from the
  // end.
  if (facts.head.framing.kind == http::BodyFraming::Kind::until_close)
    return DoNotStore{Detail::content_cut_off, trait_of_resource, {}};

  const seconds initial_age =
      corrected_initial_age(fields, facts.request_time, facts.response_time);
  if (initial_age >= facts.rule.ttl) return DoNotStore{Detail::already_stale, seconds{0}, {}};

  Keep keep;
  keep.lifetime = facts.rule.ttl - initial_age;
  keep.stored.status = facts.head.status;
  keep.stored.response_time = facts.response_time;
  keep.stored.initial_age = initial_age;
  keep.stored.vary = vary;
  append_end_to_end(facts.head, true, keep.stored.head);
  if (!fields.has(FieldName::date))
    keep.stored.head += "Date: " + http::format_date(facts.response_time) + "\r\n";
  keep.stored.head += "Via: 1.1 larder\r\n";
  return keep;
}

}  // namespace larder::policy
