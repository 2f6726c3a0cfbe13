#include "session/filling.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "policy/reuse.hpp"
#include "policy/storing.hpp"

namespace larder::session {

namespace {

using policy::Detail;

FetchFailure failure_of(BodyPart::Kind kind) {
  switch (kind) {
    case BodyPart::Kind::timed_out:
      return FetchFailure::between_bytes_timed_out;
    case BodyPart::Kind::malformed:
      return FetchFailure::content_malformed;
    case BodyPart::Kind::data:
    case BodyPart::Kind::end:
    case BodyPart::Kind::cut_off:
      break;
  }
  return FetchFailure::content_cut_off;
}

enum class Followed : std::uint8_t { whole, too_large, failed };

/// Takes in the content; readers follow it as it comes.
awaitable<Followed> follow(OriginAnswer& answer, Fill& fill, std::uint64_t limit,
                           FetchFailure& failure) {
  std::uint64_t size = 0;
  while (true) {
    const BodyPart part = co_await answer.content->next();
    if (part.kind == BodyPart::Kind::end) co_return Followed::whole;
    if (part.kind != BodyPart::Kind::data) {
      failure = failure_of(part.kind);
      co_return Followed::failed;
    }
    size += part.data.size();
    if (size > limit) {
      answer.prefix = part.data;
      co_return Followed::too_large;
    }
    fill.append(part.data);
  }
}

awaitable<void> keep(Worker& worker, Fill& fill, const FillJob& job, OriginAnswer answer,
                     policy::Keep kept) {
  const http::BodyFraming framing = answer.connection->head.framing;
  policy::StoredResponse stored = std::move(kept.stored);
  std::optional<std::size_t> length;
  if (framing.kind == http::BodyFraming::Kind::length)
    length = static_cast<std::size_t>(framing.length);
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
      fill.refuse(Detail::too_large, std::move(answer));
      co_return;
    case Followed::whole:
      break;
  }
  stored.content = fill.content();
  if (answer.connection->head.keep_alive && answer.content->surplus().empty()) {
    answer.content.reset();
    worker.origin.release(std::move(answer.connection));
  }

  const auto whole = std::make_shared<const policy::StoredResponse>(std::move(stored));
  bool is_stored = false;
  if (job.may_store) {
    const store::PutOutcome outcome = co_await worker.store->put(
        job.key, store::Resource{job.rule->name, job.path}, fill.stamps(), whole, kept.lifetime);
    is_stored = outcome == store::PutOutcome::stored;
  }
  fill.complete(whole, is_stored);
}

awaitable<void> run_fill(Worker& worker, std::shared_ptr<Fill> fill, FillJob job) {
  // Another fill may have ended between this one's look and its lead.
  if (job.is_first_look && job.may_store) {
    const std::optional<store::Lookup> again =
        worker.store->lookup_now(job.key, store::Resource{job.rule->name, job.path});
    if (again && again->response &&
        policy::current_age(*again->response, worker.shared.clock.now_in_seconds()) <
            job.rule->ttl) {
      fill->complete(again->response, true);
      co_return;
    }
  }
  const policy::SystemSeconds request_time = worker.shared.clock.now_in_seconds();
  FetchRequest request{.head = job.head,
                       .method = http::Method::get,
                       .repeatable = true,
                       .wants_upgrade = false,
                       .first_byte_timeout = job.first_byte_timeout};
  FetchResult result = co_await fetch(worker.origin, std::move(request), InterimSink());
  if (const auto* failure = std::get_if<FetchFailure>(&result)) {
    fill->fail(*failure);
    co_return;
  }
  OriginAnswer answer = std::move(std::get<OriginAnswer>(result));
  policy::StoringDecision decision =
      policy::decide_storing({.head = answer.connection->head,
                              .rule = *job.rule,
                              .keyed = job.keyed,
                              .request_time = request_time,
                              .response_time = worker.shared.clock.now_in_seconds(),
                              .object_limit = worker.shared.settings.object_limit});
  if (auto* kept = std::get_if<policy::Keep>(&decision)) {
    if (answer.connection->head.fields.has(http::FieldName::age))
      fill->note_origin_age(kept->stored.initial_age);
    co_await keep(worker, *fill, job, std::move(answer), std::move(*kept));
    co_return;
  }
  const auto& refused = std::get<policy::DoNotStore>(decision);
  std::chrono::seconds remembered = refused.remember;
  if (!refused.unkeyed.empty() && !job.rules->learned_of(*job.rule).learn(refused.unkeyed))
    remembered = std::chrono::seconds(60);
  if (remembered.count() > 0) worker.unstored.remember(job.key, SteadyClock::now() + remembered);
  fill->refuse(refused.reason, std::move(answer));
}

}  // namespace

void start_fill(Worker& worker, const std::shared_ptr<Fill>& fill, FillJob job) {
  ++worker.fills;
  std::string key = job.key;
  asio::co_spawn(worker.io, run_fill(worker, fill, std::move(job)),
                 [&worker, fill, key = std::move(key)](const std::exception_ptr& error) {
                   // Out of memory is all that can be thrown; whoever waits must hear of it.
                   if (error) fill->fail(FetchFailure::content_cut_off);
                   worker.shared.collapse.leave(key, fill);
                   --worker.fills;
                 });
}

}  // namespace larder::session
