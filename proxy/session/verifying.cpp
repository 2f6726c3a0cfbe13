#include "session/verifying.hpp"

#include <optional>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <spdlog/spdlog.h>

#include "policy/path_shape.hpp"
#include "policy/reuse.hpp"
#include "session/content_digest.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

namespace {

using policy::Detail;
using Finding = policy::VerifiedHit::Finding;

/// On one thread at once. What they cost the origin is bounded by this, whatever rules say.
constexpr unsigned most_verifications = 4;

/// Does an answer of this status say what the resource is now? Errors do not, nor what is said to
/// one who may not.
bool is_comparable(std::uint16_t status) {
  return (status >= 200 && status < 400 && status != 304) || status == 404 || status == 410;
}

/// What the origin said to one question.
struct Said {
  std::optional<std::uint64_t> digest;  ///< nothing: it is not to be compared
  Detail obstacle = Detail::none;       ///< why it would not be stored
};

awaitable<Said> ask(Worker& worker, const FillJob& job, std::string_view head) {
  const policy::SystemSeconds request_time = worker.shared.clock.now_in_seconds();
  const FetchRequest request = make_request(job, head);
  FetchResult result = co_await fetch(worker.origin, request);
  auto* fetched = std::get_if<OriginAnswer>(&result);
  if (!fetched) co_return Said{};
  OriginAnswer answer = std::move(*fetched);
  const http::ResponseHead& told = answer.head();
  Said said;
  const policy::StoringDecision decision = judge(worker, job, told, request_time);
  if (const auto* refused = std::get_if<policy::DoNotStore>(&decision))
    said.obstacle = refused->reason;
  if (!is_comparable(told.status)) co_return said;
  ContentDigest digest;
  digest.take_head(told);
  std::uint64_t size = 0;
  while (true) {
    const BodyPart part = co_await answer.content().next();
    if (part.kind == BodyPart::Kind::end) break;
    size += part.data.size();
    if (part.kind != BodyPart::Kind::data || size > worker.shared.settings.object_limit)
      co_return said;
    digest.take_content(part.data);
  }
  said.digest = digest.value();
  if (told.keep_alive && answer.content().surplus().empty())
    worker.origin.release(std::move(answer.connection));
  co_return said;
}

/// Current stamps, none of them missing or leased; nothing: a write is under way, or the store
/// cannot say.
awaitable<std::optional<store::Stamps>> read_stamps(Worker& worker, const FillJob& job) {
  store::FillStart start = co_await worker.store->stamps(job.key, job.resource(), {});
  if (start.leased) co_return std::nullopt;
  co_return std::move(start.stamps);
}

policy::Tags tags_of(const FillJob& job, const policy::StoredResponse& stored) {
  policy::Tags tags = policy::tags_of_response(job.rule->name, job.path, job.user, job.rule_tags);
  const policy::Tags own = stored.tags.to_vector();
  tags.insert(tags.end(), own.begin(), own.end());
  return tags;
}

/// What is stored under the key, current and fresh; null: nothing any more.
awaitable<policy::StoredResponsePointer> find_stored(Worker& worker, const FillJob& job) {
  store::Resource resource = job.resource();
  resource.strict = true;
  std::optional<store::Lookup> found = worker.store->lookup_now(job.key, resource);
  if (!found) {
    store::Lookup looked_up = co_await worker.store->lookup(job.key, resource);
    found.emplace(std::move(looked_up));
  }
  const bool is_fresh =
      found->response && !found->softened &&
      policy::fresh_for(*found->response, *job.rule, worker.shared.clock.now_in_seconds()) >
          policy::seconds{0};
  co_return is_fresh ? std::move(found->response) : nullptr;
}

/// `own`: the question carried the client's credentials first, and what the origin said to that.
Finding compare(const std::optional<Said>& own, const Said& said, std::uint64_t stored) {
  if (!said.digest) return Finding::not_judged;
  if (*said.digest != stored) return Finding::changed;
  return own && own->digest ? Finding::users_differ : Finding::same;
}

std::string_view readers_of(const policy::RouteRule& rule) {
  switch (rule.share) {
    case policy::Share::anonymous:
      return "clients without credentials";
    case policy::Share::everyone:
      return "everyone";
    case policy::Share::per_user:
      return "one user";
  }
  return {};
}

void say_changed(const FillJob& job, const std::optional<policy::Suspect>& suspect) {
  if (suspect) {
    spdlog::warn(
        "verify: rule '{}' served {} old, to {}; evicted. {} {} came before, and evicts "
        "nothing of it: evict_on: [{}]",
        job.rule->name, job.path, readers_of(*job.rule), suspect->method, suspect->shape,
        policy::literal_prefix(suspect->shape));
  } else {
    spdlog::warn(
        "verify: rule '{}' served {} old, to {}; evicted. No write through this Larder "
        "came before",
        job.rule->name, job.path, readers_of(*job.rule));
  }
}

awaitable<void> run_verification(Worker& worker, Verification verification) {
  const FillJob& job = verification.fill;
  VerificationRecord record{.rule_slot = job.rules->slot_of(*job.rule)};
  policy::VerifiedHit hit{.asked = verification.hit_began, .target = job.path};

  const std::optional<store::Stamps> before = co_await read_stamps(worker, job);
  policy::StoredResponsePointer stored;
  if (before) {
    policy::StoredResponsePointer found = co_await find_stored(worker, job);
    stored = std::move(found);
  }
  const std::optional<std::uint64_t> digest = stored ? digest_of(*stored) : std::nullopt;
  std::vector<std::uint64_t> tag_hashes;
  if (digest) {
    const policy::Tags tags = tags_of(job, *stored);
    tag_hashes = hashes_of(tags);
    hit.tags = tag_hashes;
    hit.stored = policy::SystemSeconds(stored->response_time.time_since_epoch());
    std::optional<Said> own;
    if (!verification.own_head.empty()) {
      const Said said = co_await ask(worker, job, verification.own_head);
      own = said;
    }
    if (own && own->digest == digest) {
      hit.finding = Finding::same;
      hit.obstacle = own->obstacle;
    } else {
      const Said said = co_await ask(worker, job, job.head);
      hit.finding = compare(own, said, *digest);
      hit.obstacle = said.obstacle;
    }
    if (hit.finding != Finding::same) {
      // In this order: a write that is not in flight any more has evicted.
      const bool is_written = worker.shared.writes.concern(tags);
      const std::optional<store::Stamps> after = co_await read_stamps(worker, job);
      if (is_written || after != before) hit.finding = Finding::not_judged;
    }
  }
  hit.answered = std::chrono::floor<milliseconds>(worker.shared.clock.now());
  record.finding = hit.finding;
  if (hit.finding == Finding::changed) {
    policy::Tags wrong = policy::tags_of_path(job.path, false);
    record.evicted_tags = wrong.size();
    const store::EvictOutcome outcome = co_await worker.store->evict(std::move(wrong));
    record.eviction_deferred = outcome == store::EvictOutcome::deferred;
  }
  RuleShadow& shadow = *job.rules->shadow_of(*job.rule);
  const std::optional<policy::Suspect> suspect = shadow.note(hit);
  worker.records.note(record);
  const bool is_wrong = hit.finding == Finding::changed || hit.finding == Finding::users_differ;
  if (!is_wrong || !shadow.may_say(SteadyClock::now())) co_return;
  if (hit.finding == Finding::changed) {
    say_changed(job, suspect);
  } else {
    spdlog::warn(
        "verify: rule '{}' serves {} to everyone, and the origin answers differently to "
        "the credentials of one who asked: share: per-user, or name in key or vary what "
        "tells them apart",
        job.rule->name, job.path);
  }
}

}  // namespace

bool may_verify(const Worker& worker) {
  return !worker.draining && worker.verifications < most_verifications;
}

std::string make_own_head(const FillJob& fill, const http::RequestHead& head) {
  if (fill.rule->share != policy::Share::everyone) return {};
  const auto first = head.fields.first(http::FieldName::authorization);
  const auto all = head.fields.combined(http::FieldName::authorization);
  if (!first || all != *first) return {};
  std::string own = fill.head;
  own.resize(own.size() - 2);  // the final empty line
  return own.append("Authorization: ").append(*first).append("\r\n\r\n");
}

void start_verification(Worker& worker, Verification verification) {
  const std::shared_ptr<const RuleSet> rules = verification.fill.rules;
  RuleShadow& shadow = *rules->shadow_of(*verification.fill.rule);
  const std::uint64_t key = store::xxh3(verification.fill.key);
  if (!shadow.begin_verifying(key)) return;
  ++worker.verifications;
  ++worker.fills;
  asio::co_spawn(worker.io, run_verification(worker, std::move(verification)),
                 [&worker, &shadow, rules, key](const std::exception_ptr&) {
                   shadow.end_verifying(key);
                   --worker.verifications;
                   --worker.fills;
                 });
}

}  // namespace larder::session
