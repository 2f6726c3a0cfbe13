#include "session/observing.hpp"

#include <variant>

#include "http/accept.hpp"
#include "policy/storing.hpp"
#include "session/asker.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

namespace {

/// What a rule would be that says nothing but `ttl` and `share: everyone`, so that it refuses no
/// more than what nobody may store.
const policy::RouteRule& plainest_rule() {
  static const policy::RouteRule rule = [] {
    policy::RouteRule plain;
    plain.ttl = std::chrono::hours(1);
    plain.share = policy::Share::everyone;
    plain.vary.emplace_back("accept", std::vector<std::string>{"application/json", "text/html"});
    return plain;
  }();
  return rule;
}

/// What the keys of such a rule know: Accept. Accept-Encoding is no fill's.
const std::vector<policy::KeyedField>& keyed_fields() {
  static const std::vector<policy::KeyedField> keyed{
      {.name = "accept", .value = {}, .sent = {}},
      {.name = "accept-encoding", .value = {}, .sent = {}}};
  return keyed;
}

std::uint32_t hash_variant(const policy::LookupFacts& facts) {
  std::string room;
  std::string normal;
  const std::string_view accept =
      facts.head.fields.combined(http::FieldName::accept, room).value_or(std::string_view());
  store::Xxh3Stream hash;
  for (const std::string_view part :
       {facts.forwarded.proto, std::string_view(";"), facts.head.host, std::string_view(";"),
        http::normalise_accept(accept, plainest_rule().vary.front().types, normal)})
    hash.add(part);
  return static_cast<std::uint32_t>(hash.value());
}

}  // namespace

void Observing::note(const policy::ObservedAnswer& answer) {
  const std::scoped_lock lock(mutex_);
  observations_.note(answer);
}

void Observing::note(const policy::ObservedWrite& write) {
  const std::scoped_lock lock(mutex_);
  observations_.note(write);
}

policy::Observations Observing::copy() const {
  const std::scoped_lock lock(mutex_);
  return observations_;
}

ObservedGet::ObservedGet(Observing& observing, const policy::LookupFacts& facts,
                         const identity::Identification& who, policy::Moment asked)
    : observing_(observing),
      path_(facts.path),
      query_(facts.head.query.value_or(std::string_view())),
      scheme_(facts.forwarded.proto),
      host_(facts.head.host) {
  const policy::RouteMatch match{&plainest_rule(), {}};
  const policy::LookupDecision decision =
      policy::decide_lookup({.head = facts.head,
                             .match = match,
                             .path = facts.path,
                             .ambiguous = facts.ambiguous,
                             .forwarded = facts.forwarded,
                             .session_cookies = facts.session_cookies});
  const auto* look_up = std::get_if<policy::LookUp>(&decision);
  answer_.may_look_up = look_up && !look_up->demands.no_cache;
  answer_.credentials = hash_credentials(facts.head.fields, facts.session_cookies);
  if (const auto* user = std::get_if<identity::Identity>(&who))
    answer_.identity = store::xxh3(*user->digest) | 1;
  answer_.variant = hash_variant(facts);
  answer_.asked = asked;
}

void ObservedGet::take_head(const WatchedHead& answer) {
  has_head_ = true;
  const policy::StoringDecision decision =
      policy::decide_storing({.head = answer.head,
                              .rule = plainest_rule(),
                              .keyed = keyed_fields(),
                              .request_time = answer.now,
                              .response_time = answer.now,
                              .object_limit = answer.object_limit,
                              .origin = {scheme_, host_}});
  if (const auto* refused = std::get_if<policy::DoNotStore>(&decision))
    answer_.obstacle = refused->reason;
  answer_.status = answer.head.status;
  answer_.is_comparable = answer.head.status == 200;
  content_.take_head(answer.head);
}

void ObservedGet::end(policy::Moment answered) {
  if (!has_head_) return;
  const std::optional<std::uint64_t> content = content_.value();
  if (!content) answer_.is_comparable = false;
  answer_.content = content.value_or(0);
  answer_.path = path_;
  answer_.query = query_;
  answer_.answered = answered;
  observing_.note(answer_);
}

}  // namespace larder::session
