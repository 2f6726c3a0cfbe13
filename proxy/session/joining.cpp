#include "session/joining.hpp"

#include <utility>

#include "policy/problem.hpp"
#include "policy/selection.hpp"
#include "session/sending.hpp"

namespace larder::session {

using policy::CacheResult;
using policy::Detail;

namespace {

/// As far as the client takes it at once, and then the rest.
awaitable<After> send_stored(Answer& answer, const http::RequestHead& request,
                             policy::StoredResponsePointer stored, std::optional<seconds> age,
                             policy::SystemSeconds now) {
  Sending sending;
  const std::optional<After> sent = sending.start(answer, request, std::move(stored), age, now);
  if (sent) co_return *sent;
  const After after = co_await sending.finish(answer);
  co_return after;
}

}  // namespace

Joining::Joining(Joiner own, std::shared_ptr<Fill> fill, bool leads, bool differs)
    : own_(std::move(own)),
      fill_(std::move(fill)),
      leads_(leads),
      differs_(differs),
      timer_(std::make_shared<Timer>(own_.worker.io)) {}

awaitable<JoinOutcome> Joining::run() {
  Fill::Snapshot snapshot = co_await wait();
  switch (snapshot.state) {
    case Fill::State::waiting: {
      const After after = co_await answer_failed(FetchFailure::first_byte_timed_out);
      co_return after;
    }
    case Fill::State::failed: {
      const After after = co_await answer_failed(snapshot.failure);
      co_return after;
    }
    case Fill::State::refused: {
      const JoinOutcome joined = co_await answer_refused(std::move(snapshot));
      co_return joined;
    }
    case Fill::State::arriving:
    case Fill::State::whole:
    case Fill::State::complete:
      break;
  }
  const JoinOutcome joined = co_await answer_from(std::move(snapshot));
  co_return joined;
}

awaitable<Fill::Snapshot> Joining::wait() {
  // A fill always ends by its own deadlines; this one is for a fill that hangs on another thread.
  const config::Settings& settings = own_.worker.shared.settings;
  const milliseconds patience = settings.origin_queue_timeout + 2 * settings.connect_timeout +
                                own_.first_byte_timeout + settings.between_bytes_timeout +
                                (settings.redis ? settings.redis->fill_lock : milliseconds(0));
  Fill::Snapshot snapshot = fill_->snapshot();
  bool changed = true;
  // Content of unknown length may yet prove too large: only the leader may begin with it.
  // A part can be cut from the whole alone.
  const bool needs_whole = own_.head.fields.has(http::FieldName::range);
  const auto is_undecided = [&] {
    return snapshot.state == Fill::State::waiting ||
           (snapshot.state == Fill::State::arriving &&
            (needs_whole || (!snapshot.length && !leads_)));
  };
  while (is_undecided() && changed) {
    changed = co_await fill_->changed(snapshot.version, timer_, patience);
    snapshot = fill_->snapshot();
  }
  if (is_undecided()) snapshot.state = Fill::State::waiting;
  co_return snapshot;
}

std::optional<policy::Reuse> Joining::decide_stale_reuse(policy::OriginTrouble trouble) const {
  if (!own_.stale) return std::nullopt;
  return policy::decide_stale_reuse(*own_.stale, own_.is_softened, own_.demands, own_.rule, trouble,
                                    now());
}

awaitable<After> Joining::answer_stale(policy::Reuse reuse) {
  note_reuse(reuse, own_.record);
  return send_stored(own_.answer, own_.head, own_.stale, reuse.age, now());
}

awaitable<After> Joining::answer_failed(FetchFailure failure) {
  own_.record.failure = failure;
  const std::optional<policy::Reuse> reuse = decide_stale_reuse(policy::OriginTrouble::unreachable);
  if (reuse) return answer_stale(*reuse);
  // RFC 9111 5.2.2.2: 504 where what is stored must not be served without asking.
  const bool must_ask = own_.stale && own_.stale->terms.never_stale;
  return own_.answer.send_problem(must_ask ? 504 : status_for(failure), describe(failure));
}

awaitable<JoinOutcome> Joining::answer_refused(Fill::Snapshot snapshot) {
  if (policy::is_origin_trouble(snapshot.origin_status)) {
    const std::optional<policy::Reuse> reuse =
        decide_stale_reuse(policy::OriginTrouble::error_status);
    if (reuse) {
      const After after = co_await answer_stale(*reuse);
      co_return after;
    }
  }
  std::optional<OriginAnswer> answer;
  if (leads_) answer = fill_->take_answer();
  own_.record.cache.detail = snapshot.detail;
  if (!answer || differs_) co_return policy::PassOn{*own_.record.cache.forward, snapshot.detail};
  // What had arrived before it proved too large comes first.
  if (snapshot.available > 0) answer->connection->prefix.insert(0, fill_->content().view());
  const After after = co_await relay(std::move(*answer), nullptr, relay_to());
  co_return after;
}

awaitable<JoinOutcome> Joining::answer_from(Fill::Snapshot snapshot) {
  const std::optional<policy::OwnRequest> own =
      policy::decide_own_request(own_.head, own_.demands, *snapshot.response, own_.rule);
  if (own) co_return policy::PassOn{own->reason, own->detail};
  policy::CacheOutcome& told = own_.record.cache;
  told.forward_status.reset();
  // Another fill had brought it: the origin was not asked.
  if (snapshot.origin_status == 0) told.collapsed = true;
  if (snapshot.origin_status == 304) told.forward_status = snapshot.origin_status;
  if (snapshot.detail != Detail::none) told.detail = snapshot.detail;
  // Not claimed for content of unknown length that may yet prove too large.
  const bool will_be_whole = snapshot.state != Fill::State::arriving || snapshot.length;
  told.stored = snapshot.detail == Detail::none && will_be_whole;
  if (told.result == CacheResult::expired) told.ttl = seconds{0};
  After after = After::broken;
  if (snapshot.state == Fill::State::arriving) {
    after = co_await stream(std::move(snapshot));
  } else {
    after =
        co_await send_stored(own_.answer, own_.head, snapshot.response, snapshot.origin_age, now());
  }
  co_return after;
}

awaitable<After> Joining::stream(Fill::Snapshot snapshot) {
  const policy::StoredResponse& arriving = *snapshot.response;
  const policy::Selection selection = policy::select(own_.head, arriving, now());
  if (selection.not_modified) {
    const After after =
        co_await send_stored(own_.answer, own_.head, snapshot.response, snapshot.origin_age, now());
    co_return after;
  }
  own_.answer.begin(arriving.status, policy::reason_phrase(arriving.status));
  own_.answer.head() += policy::varies_by_coding(arriving, snapshot.length, own_.rule.compression)
                            ? policy::make_decoded_head(arriving.head)
                            : arriving.head;
  bool chunked = false;
  if (snapshot.length) {
    own_.answer.append_length(*snapshot.length);
  } else {
    chunked = own_.answer.append_unknown_length();
  }
  if (snapshot.origin_age) own_.answer.append_age(*snapshot.origin_age);
  own_.answer.end_head();
  if (own_.head.method == http::Method::head) {
    const After after = co_await own_.answer.finish();
    co_return after;
  }
  while (true) {
    // The state as it is before the content is looked at: what came before an end is then surely
    // seen.
    snapshot = fill_->snapshot();
    for (std::string_view piece = fill_->piece(own_.record.content_sent);
         !piece.empty() || !own_.answer.head().empty();
         piece = fill_->piece(own_.record.content_sent)) {
      const IoStatus written = co_await own_.answer.send(piece, chunked);
      if (written != IoStatus::ok) co_return After::broken;
    }
    const bool is_all_sent = snapshot.length && own_.record.content_sent == *snapshot.length;
    if (is_all_sent || snapshot.state == Fill::State::whole ||
        snapshot.state == Fill::State::complete) {
      own_.record.cache.stored = snapshot.detail == Detail::none;
      break;
    }
    if (snapshot.state == Fill::State::failed) {
      own_.record.failure = snapshot.failure;
      co_return After::broken;
    }
    if (snapshot.state == Fill::State::refused) {
      std::optional<OriginAnswer> rest = fill_->take_answer();
      if (!rest) co_return After::broken;
      own_.record.cache.detail = snapshot.detail;
      const After after =
          co_await relay_content(std::move(*rest), nullptr, chunked, false, relay_to());
      co_return after;
    }
    const bool changed = co_await fill_->changed(snapshot.version, timer_,
                                                 own_.worker.shared.settings.between_bytes_timeout);
    if (!changed) co_return After::broken;
  }
  if (chunked) own_.answer.head() += "0\r\n\r\n";
  const After after = co_await own_.answer.finish();
  co_return after;
}

}  // namespace larder::session
