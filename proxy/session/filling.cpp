#include "session/filling.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "policy/compression.hpp"
#include "policy/reuse.hpp"
#include "policy/validation.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

using policy::Detail;

FetchRequest make_request(const FillJob& job, std::string_view head) {
  return {.head = head,
          .method = http::Method::get,
          .repeatable = true,
          .wants_upgrade = false,
          .first_byte_timeout = job.first_byte_timeout,
          .response_timeout = job.response_timeout};
}

policy::StoringDecision judge(const Worker& worker, const FillJob& job,
                              const http::ResponseHead& head, policy::SystemSeconds request_time) {
  return policy::decide_storing({.head = head,
                                 .rule = *job.rule,
                                 .keyed = job.keyed,
                                 .request_time = request_time,
                                 .response_time = worker.shared.clock.now_in_seconds(),
                                 .object_limit = worker.shared.settings.object_limit,
                                 .origin = {job.scheme, job.host}});
}

namespace {

/// 0: there was no answer.
std::uint16_t status_of(const FetchResult& result) {
  const auto* answer = std::get_if<OriginAnswer>(&result);
  return answer ? answer->head().status : std::uint16_t{0};
}

/// Of the content and its type: another of either is another representation.
std::uint64_t content_hash(const policy::StoredResponse& stored) {
  const std::uint64_t parts[] = {store::xxh3(stored.content.view()),
                                 store::xxh3(stored.field("content-type"))};
  return store::xxh3({reinterpret_cast<const char*>(parts), sizeof parts});
}

enum class Followed : std::uint8_t { whole, too_large, failed };

/// Takes in the content; readers follow it as it comes.
awaitable<Followed> follow(OriginAnswer& answer, Fill& fill, std::uint64_t limit,
                           FetchFailure& failure) {
  std::uint64_t size = 0;
  while (true) {
    BodyPart part = answer.content().next_ready();
    if (part.kind == BodyPart::Kind::data && part.data.empty()) {
      const BodyPart later = co_await answer.content().next();
      part = later;
    }
    if (part.kind == BodyPart::Kind::end) co_return Followed::whole;
    if (part.kind != BodyPart::Kind::data) {
      failure = failure_of(part.kind);
      co_return Followed::failed;
    }
    size += part.data.size();
    if (size > limit) {
      answer.connection->prefix = part.data;
      co_return Followed::too_large;
    }
    fill.append(part.data);
  }
}

/// Content that is hashed and copied, as it came, in less time than a reader takes to be woken.
constexpr std::size_t stored_in_no_time = 16 * 1024;

/// Content that is compressed at once; more of it is in steps, so that others have their turn.
constexpr std::size_t compressed_at_once = 64 * 1024;

/// The content in gzip, where that makes it small enough.
awaitable<void> compress(Worker& worker, policy::StoreCompressed chosen,
                         policy::StoredResponse& stored) {
  coding::CodingResult coded = coding::CodingError::too_large;
  std::string_view content = stored.content.view();
  if (content.size() <= compressed_at_once) {
    coded = worker.gzip.compress(content, chosen.limit);
  } else {
    coding::GzipCompressor gzip;
    gzip.start(chosen.limit);
    for (; !content.empty(); content.remove_prefix(std::min(content.size(), compressed_at_once))) {
      if (gzip.append(content.substr(0, compressed_at_once)) != coding::CodingError::none) break;
      co_await asio::post(worker.io, use_awaitable);
    }
    coded = gzip.finish();
  }
  if (auto* bytes = std::get_if<policy::SharedBytes>(&coded)) {
    stored.decoded_size = stored.content.size;
    stored.content = std::move(*bytes);
    stored.coded_head = policy::make_coded_head(stored.head);
  }
}

policy::seconds fresh_for(const Worker& worker, const FillJob& job,
                          const policy::StoredResponse& stored) {
  return policy::fresh_for(stored, *job.rule, worker.shared.clock.now_in_seconds());
}

/// Why what a fill brings is not to be stored, as far as its beginning tells; none: it is.
Detail obstacle_of(const store::FillStart& start) {
  if (!start.stamps) return Detail::store_unavailable;
  return start.leased ? Detail::written_meanwhile : Detail::none;
}

/// Why it has not been stored; none: it has.
Detail obstacle_of(store::PutOutcome outcome) {
  switch (outcome) {
    case store::PutOutcome::stored:
      return Detail::none;
    case store::PutOutcome::outdated:
      return Detail::written_meanwhile;
    case store::PutOutcome::too_large:
      return Detail::too_large;
    case store::PutOutcome::unavailable:
      return Detail::store_unavailable;
  }
  return Detail::store_unavailable;
}

/// The origin has said something newer that is not to be stored. Before the client has that:
/// otherwise it could be given the older one again.
awaitable<void> drop_previous(Worker& worker, const FillJob& job) {
  if (!job.previous) co_return;
  const bool dropped = co_await worker.store->drop(job.key);
  if (dropped) co_return;
  // This is remembered until Redis has heard of it.
  const store::EvictOutcome later =
      co_await worker.store->evict(policy::tags_of_path(job.path, false));
  (void)later;
}

/// `asked`: when the origin was.
awaitable<void> keep(Worker& worker, Fill& fill, const FillJob& job, OriginAnswer answer,
                     policy::Keep kept, SteadyClock::time_point asked) {
  const http::BodyFraming framing = answer.head().framing;
  policy::StoredResponse stored = std::move(kept.stored);
  std::optional<std::size_t> length;
  if (framing.kind == http::BodyFraming::Kind::length)
    length = static_cast<std::size_t>(framing.length);
  fill.note_answer(SteadyClock::now() + fresh_for(worker, job, stored));
  fill.arrive(std::make_shared<policy::StoredResponse>(stored), length);
  FetchFailure failure = FetchFailure::none;
  const Followed followed =
      co_await follow(answer, fill, worker.shared.settings.object_limit, failure);
  switch (followed) {
    case Followed::failed:
      fill.fail(failure);
      co_return;
    case Followed::too_large:
      worker.unstored.remember(job.key, SteadyClock::now() + std::chrono::seconds(60));
      co_await drop_previous(worker, job);
      fill.refuse(Detail::too_large, std::move(answer));
      co_return;
    case Followed::whole:
      break;
  }
  fill.note_origin_time(SteadyClock::now() - asked);
  if (answer.head().keep_alive && answer.content().surplus().empty())
    worker.origin.release(std::move(answer.connection));
  stored.content = fill.content();
  const policy::CompressionDecision compression = policy::decide_compression(
      {.status = stored.status, .head = stored.head, .size = stored.content.size},
      job.rule->compression);
  const auto* coded = std::get_if<policy::StoreCompressed>(&compression);
  // Whoever waits for it goes first where what follows takes longer than to send it.
  if (coded || stored.content.size > stored_in_no_time)
    co_await asio::post(worker.io, use_awaitable);
  if (job.rule->makes_etags && policy::may_have_own_etag(stored))
    policy::add_own_etag(stored, content_hash(stored));
  if (coded) co_await compress(worker, *coded, stored);

  const auto whole = std::make_shared<const policy::StoredResponse>(std::move(stored));
  Detail obstacle = obstacle_of(job.start);
  if (obstacle == Detail::none) {
    fill.hold_whole(whole);
    const store::PutOutcome outcome =
        co_await worker.store->put(job.key, job.resource(), fill.stamps(), whole, kept.retention);
    obstacle = obstacle_of(outcome);
    if (obstacle == Detail::too_large) co_await drop_previous(worker, job);
  }
  fill.complete(whole, obstacle);
}

/// Takes in a 304. False: it does not speak of what is stored, or what it makes of it may not be
/// kept.
awaitable<bool> freshen(Worker& worker, Fill& fill, const FillJob& job,
                        const http::ResponseHead& not_modified,
                        policy::SystemSeconds request_time) {
  const policy::StoredResponse& previous = *job.previous;
  const std::optional<policy::FreshenedHead> freshened = policy::freshen(previous, not_modified);
  if (!freshened) co_return false;
  policy::StoringDecision decision = judge(worker, job, freshened->head, request_time);
  auto* kept = std::get_if<policy::Keep>(&decision);
  if (!kept) {
    co_await drop_previous(worker, job);
    co_return false;
  }
  policy::StoredResponse stored = std::move(kept->stored);
  stored.content = previous.content;
  stored.decoded_size = previous.decoded_size;
  if (stored.is_compressed()) stored.coded_head = policy::make_coded_head(stored.head);
  stored.has_own_etag = previous.has_own_etag && stored.etag == previous.etag;
  if (not_modified.fields.has(http::FieldName::age)) fill.note_origin_age(stored.initial_age);
  const auto whole = std::make_shared<const policy::StoredResponse>(std::move(stored));
  Detail obstacle = obstacle_of(job.start);
  fill.note_origin_status(304);
  fill.note_answer(SteadyClock::now() + fresh_for(worker, job, *whole));
  if (obstacle == Detail::none) {
    fill.hold_whole(whole);
    const store::PutOutcome outcome = co_await worker.store->freshen(
        job.key, job.resource(), fill.stamps(), whole, kept->retention);
    obstacle = obstacle_of(outcome);
  }
  fill.complete(whole, obstacle);
  co_return true;
}

std::string make_conditional_head(const FillJob& job, const policy::StoredResponse& validated) {
  std::string head = job.head;
  head.resize(head.size() - 2);  // the final empty line
  policy::append_conditions(validated, head);
  head += "\r\n";
  return head;
}

constexpr milliseconds first_pause{2};
constexpr milliseconds longest_pause{50};

/// While another process fills this key: until it has stored its answer, or has ended without one,
/// or has taken as long as its lock may be held.
awaitable<void> wait_elsewhere(Worker& worker, const FillJob& job) {
  const std::optional<config::RedisSettings>& redis = worker.shared.settings.redis;
  const milliseconds patience =
      std::min(redis ? redis->fill_lock : milliseconds(0), job.first_byte_timeout);
  const SteadyClock::time_point give_up = SteadyClock::now() + patience;
  Timer timer(worker.io);
  bool is_worth_it = true;
  for (milliseconds pause = first_pause; is_worth_it && SteadyClock::now() < give_up;
       pause = std::min(2 * pause, longest_pause)) {
    timer.expires_at(std::min(SteadyClock::now() + pause, give_up));
    const auto [ignored] = co_await timer.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
    const bool is_filling = co_await worker.store->is_filling(job.key, job.start, job.previous);
    is_worth_it = is_filling;
  }
}

awaitable<void> run_fill(Worker& worker, std::shared_ptr<Fill> fill, FillJob job) {
  if (!job.start.filled_by.empty()) {
    co_await wait_elsewhere(worker, job);
    job.looks_again = true;
  }
  if (job.looks_again && job.start.stamps) {
    const store::Resource resource = job.resource();
    std::optional<store::Lookup> again = worker.store->lookup_now(job.key, resource);
    if (!again) {
      store::Lookup looked_up = co_await worker.store->lookup(job.key, resource);
      again.emplace(std::move(looked_up));
    }
    const policy::seconds fresh = again->response && !again->softened
                                      ? fresh_for(worker, job, *again->response)
                                      : policy::seconds{0};
    if (fresh > policy::seconds{0}) {
      fill->note_origin_age(
          policy::current_age(*again->response, worker.shared.clock.now_in_seconds()));
      fill->note_answer(SteadyClock::now() + fresh);
      fill->complete(again->response, Detail::none);
      co_return;
    }
  }
  // Readers that begin while it arrives say so in their heads.
  fill->note_unstored(obstacle_of(job.start));
  policy::SystemSeconds request_time = worker.shared.clock.now_in_seconds();
  const bool validates = job.previous && policy::is_validatable(*job.previous);
  std::string conditional;
  if (validates) conditional = make_conditional_head(job, *job.previous);
  const FetchRequest request = make_request(job, validates ? conditional : job.head);
  const SteadyClock::time_point asked = SteadyClock::now();
  FetchResult result = co_await fetch(worker.origin, request);
  if (validates && status_of(result) == 304) {
    OriginAnswer told = std::move(std::get<OriginAnswer>(result));
    const bool freshened = co_await freshen(worker, *fill, job, told.head(), request_time);
    if (freshened) co_return;
    // Its place with the origin goes back first: there may be no other one.
    told.connection.reset();
    request_time = worker.shared.clock.now_in_seconds();
    const FetchRequest unconditional = make_request(job, job.head);
    result = co_await fetch(worker.origin, unconditional);
  }
  if (const auto* failure = std::get_if<FetchFailure>(&result)) {
    fill->fail(*failure);
    co_return;
  }
  OriginAnswer answer = std::move(std::get<OriginAnswer>(result));
  fill->note_origin_status(answer.head().status);
  policy::StoringDecision decision = judge(worker, job, answer.head(), request_time);
  if (auto* kept = std::get_if<policy::Keep>(&decision)) {
    if (answer.head().fields.has(http::FieldName::age))
      fill->note_origin_age(kept->stored.initial_age);
    co_await keep(worker, *fill, job, std::move(answer), std::move(*kept), asked);
    co_return;
  }
  const auto& refused = std::get<policy::DoNotStore>(decision);
  std::chrono::seconds remembered = refused.remember;
  if (!refused.unkeyed.empty() && !job.rules->learned_of(*job.rule).learn(refused.unkeyed))
    remembered = std::chrono::seconds(60);
  if (remembered.count() > 0) worker.unstored.remember(job.key, SteadyClock::now() + remembered);
  if (policy::supersedes_stored(answer.head().status)) co_await drop_previous(worker, job);
  fill->refuse(refused.reason, std::move(answer));
}

FillRecord make_record(RuleSlot rule_slot, const Fill::Snapshot& end) {
  FillRecord record{.rule_slot = rule_slot,
                    .detail = end.detail,
                    .failure = end.failure,
                    .origin_time = end.origin_time};
  if (end.state == Fill::State::failed) {
    record.end = FillEnd::failed;
  } else if (end.state == Fill::State::refused || end.detail != Detail::none) {
    record.end = FillEnd::not_stored;
  } else if (end.origin_status == 0) {
    record.end = FillEnd::found;
  } else {
    record.end = end.origin_status == 304 ? FillEnd::freshened : FillEnd::stored;
  }
  return record;
}

/// Refreshes that may run beside the fills somebody waits for.
constexpr unsigned most_refreshes = 64;

awaitable<void> run_refresh(Worker& worker, store::Stamps known, FillJob job) {
  const store::Resource resource = job.resource();
  const std::string key = job.key;
  store::FillStart start =
      co_await begin_fill(worker, key, resource, std::move(known), job.previous, true);
  job.start = std::move(start);
  // What another replica refreshes, or has, need not be done twice; what may not be stored, at all.
  if (obstacle_of(job.start) != Detail::none || !job.start.filled_by.empty()) co_return;
  job.looks_again = job.start.stored_since;
  const SteadyClock::time_point now = SteadyClock::now();
  const Collapse::Joined joined = worker.shared.collapse.join(
      key, {.stamps = *job.start.stamps, .local = {}, .asked = now, .now = now});
  if (joined.leads) start_fill(worker, joined.fill, std::move(job));
}

}  // namespace

awaitable<store::FillStart> begin_fill(Worker& worker, const std::string& key,
                                       const store::Resource& resource, store::Stamps known,
                                       policy::StoredResponsePointer found, bool shares) {
  if (shares && !worker.shared.collapse.standing(key).fill)
    return worker.store->begin_fill(key, resource, std::move(known), std::move(found));
  return worker.store->stamps(key, resource, std::move(known));
}

void start_fill(Worker& worker, const std::shared_ptr<Fill>& fill, FillJob job) {
  ++worker.fills;
  std::string key = job.key;
  const RuleSlot rule_slot = job.rules->slot_of(*job.rule);
  asio::co_spawn(worker.io, run_fill(worker, fill, std::move(job)),
                 [&worker, fill, rule_slot, key = std::move(key)](const std::exception_ptr& error) {
                   // Out of memory is all that can be thrown; whoever waits must hear of it.
                   if (error) fill->fail(FetchFailure::content_cut_off);
                   const Fill::Snapshot end = fill->snapshot();
                   worker.records.note(make_record(rule_slot, end));
                   worker.shared.collapse.leave(key, fill);
                   if (worker.store && !end.is_put) worker.store->end_fill(key);
                   --worker.fills;
                 });
}

void start_refresh(Worker& worker, store::Stamps known, FillJob job) {
  if (worker.draining || worker.refreshes >= most_refreshes) return;
  ++worker.refreshes;
  ++worker.fills;
  asio::co_spawn(worker.io, run_refresh(worker, std::move(known), std::move(job)),
                 [&worker](const std::exception_ptr&) {
                   --worker.refreshes;
                   --worker.fills;
                 });
}

}  // namespace larder::session
