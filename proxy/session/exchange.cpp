#include "session/exchange.hpp"

#include <algorithm>
#include <utility>

#include "http/target.hpp"
#include "policy/problem.hpp"
#include "policy/rule_tags.hpp"
#include "policy/selection.hpp"
#include "policy/tags.hpp"
#include "session/filling.hpp"
#include "session/passing_on.hpp"
#include "session/purging.hpp"
#include "session/relay.hpp"
#include "session/sending.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

using policy::CacheResult;
using policy::Detail;
using policy::ForwardReason;

Exchange::Exchange(Worker& worker, Client client, const http::RequestHead& head,
                   std::string_view after_head)
    : worker_(worker),
      settings_(worker.shared.settings),
      client_(client),
      head_(head),
      after_head_(after_head),
      content_(client.stream, after_head, head.framing, settings_.client_timeout),
      rules_(worker.rule_set),
      answer_(client, head, record_, settings_.client_timeout,
              head.keep_alive && !worker.draining && !client.is_last) {
  content_.set_pace(Pace(settings_.minimum_rate, settings_.rate_grace));
}

policy::LookupFacts Exchange::facts() const {
  return {.head = head_,
          .match = match_,
          .path = path_,
          .ambiguous = ambiguous_,
          .forwarded = forwarded_,
          .session_cookies = settings_.session_cookies,
          .who = who_ ? &*who_ : nullptr};
}

void Exchange::identify() {
  const bool is_per_user = match_.rule && match_.rule->share == policy::Share::per_user;
  const bool may_evict = !http::is_safe(head_.method, head_.method_text);
  if (!is_per_user && !(may_evict && policy::is_writer_asked_for(rules_->routes))) return;
  who_ = worker_.identifier.identify(head_.fields, worker_.shared.clock.now_in_seconds());
  const auto* user = std::get_if<identity::Identity>(&*who_);
  if (user && is_per_user && match_.rule->written_by == policy::WrittenBy::owner)
    user_ = user->digest;
}

awaitable<After> Exchange::run() {
  const SteadyClock::time_point started = SteadyClock::now();
  record_.began = worker_.shared.clock.now();
  record_.peer = client_.peer.empty() ? std::string_view("unix") : client_.peer;
  record_.method = head_.method_text;
  record_.host = head_.host;
  record_.path = head_.path;
  record_.query = head_.query.value_or(std::string_view());

  forwarded_ = policy::decide_forwarded(head_, client_.peer, client_.trusted, client_.scheme);
  ambiguous_ = http::normalise_path(head_.path, path_) != http::Ambiguity::none;
  if (!ambiguous_) match_ = rules_->index.match(path_);
  if (match_.rule) {
    record_.rule = match_.rule->name;
    record_.rule_slot = rules_->slot_of(*match_.rule);
  }
  identify();

  const std::uint64_t limit = body_limit();
  content_.set_limit(limit);
  const policy::LookupDecision lookup = policy::decide_lookup(facts());
  After after = After::broken;
  if (settings_.purge_method && head_.method_text == "PURGE") {
    after = co_await answer_purge(worker_, head_, answer_, record_);
  } else if (limit > 0 && head_.framing.kind == http::BodyFraming::Kind::length &&
             head_.framing.length > limit) {
    after = co_await refuse_content();
  } else if (const auto* pass = std::get_if<policy::PassOn>(&lookup)) {
    after = co_await pass_on(pass->reason, pass->detail);
  } else {
    after = co_await look_up(std::get<policy::LookUp>(lookup).demands);
  }

  record_.took = SteadyClock::now() - started;
  record_.cut_off = after == After::broken;
  worker_.records.note(record_);
  // What the client still sends of a request that has been answered cannot be told from its next
  // one.
  if (after == After::keep && !content_.is_at_end()) after = After::close;
  co_return after;
}

// Before anything of the request has been sent on.
awaitable<After> Exchange::refuse_content() {
  record_.cache.forward = ForwardReason::bypass;
  record_.failure = FetchFailure::client_too_large;
  answer_.close_afterwards();
  const After after =
      co_await answer_.send_problem(status_for(record_.failure), describe(record_.failure));
  co_return after;
}

namespace {
constexpr std::string_view not_stored =
    "nothing fresh is stored, and the request allows no other answer";
}

awaitable<After> Exchange::look_up(policy::Demands demands) {
  demands_ = demands;
  const policy::LearnedVary::Names& learned = rules_->learned_of(*match_.rule).names();
  After after = After::broken;
  Detail unusable = Detail::none;
  if (!policy::append_cache_key(facts(), learned, key_)) {
    unusable = Detail::ambiguous_query;
  } else if (!policy::may_be_tagged(path_)) {
    unusable = Detail::too_deep_path;
  } else if (worker_.unstored.remembers(key_, SteadyClock::now())) {
    unusable = Detail::not_stored_lately;
  } else {
    std::variant<policy::Tags, Detail> made = policy::make_rule_tags(facts());
    if (const auto* missing = std::get_if<Detail>(&made))
      unusable = *missing;
    else
      rule_tags_ = std::get<policy::Tags>(std::move(made));
  }
  if (policy::wants_explanation(head_, forwarded_)) record_.cache.key = key_;
  if (unusable != Detail::none && demands_.only_if_cached) {
    record_.cache.detail = unusable;
    after = co_await answer_.send_problem(504, not_stored);
    co_return after;
  }
  if (unusable != Detail::none) {
    after = co_await pass_on(ForwardReason::bypass, unusable);
    co_return after;
  }

  departures_ = worker_.shared.collapse.departures(key_);
  std::optional<store::Lookup> found = worker_.store->lookup_now(key_, resource());
  if (!found) {
    store::Lookup looked_up = co_await worker_.store->lookup(key_, resource());
    found.emplace(std::move(looked_up));
  }
  const policy::ReuseDecision decision = policy::decide_reuse(
      head_, demands_, found->response.get(), *match_.rule, worker_.shared.clock.now_in_seconds());
  auto carried_out = std::visit(
      [&](const auto& chosen) { return carry_out(chosen, std::move(*found)); }, decision);
  after = co_await std::move(carried_out);
  co_return after;
}

awaitable<After> Exchange::carry_out(policy::Reuse reuse, store::Lookup found) {
  record_.tier = found.tier;
  if (reuse.refresh && found.available)
    start_refresh(worker_, std::move(found.stamps), make_fill_job(found.response));
  const After after = co_await answer_stored(reuse, std::move(found.response));
  co_return after;
}

awaitable<After> Exchange::answer_stored(policy::Reuse reuse,
                                         policy::StoredResponsePointer stored) {
  record_.cache.result = reuse.ttl > seconds{0} ? CacheResult::hit : CacheResult::stale;
  record_.cache.forward.reset();
  record_.cache.ttl = reuse.ttl;
  record_.cache.detail = reuse.detail;
  const After after = co_await send_stored(answer_, head_, std::move(stored), reuse.age,
                                           worker_.shared.clock.now_in_seconds());
  co_return after;
}

awaitable<After> Exchange::carry_out(policy::OwnRequest own, store::Lookup) {
  const After after = co_await pass_on(own.reason, own.detail);
  co_return after;
}

FillJob Exchange::make_fill_job(policy::StoredResponsePointer previous) const {
  const policy::FillRequest request =
      policy::make_fill_request(facts(), rules_->learned_of(*match_.rule).names());
  FillJob job{.key = key_,
              .path = path_,
              .user = std::string(user_),
              .rule_tags = rule_tags_,
              .rules = rules_,
              .rule = match_.rule,
              .keyed = request.keyed,
              .head = {},
              .previous = std::move(previous),
              .scheme = std::string(forwarded_.proto),
              .host = std::string(head_.host),
              .first_byte_timeout = first_byte_timeout(),
              .response_timeout = response_timeout(),
              .has_query = request.target.find('?') != std::string::npos,
              .differs = request.differs || head_.method == http::Method::head};
  policy::append_fill_head(head_, forwarded_, request.target, request.keyed, request.cookie,
                           job.head);
  return job;
}

/// None: the key may be filled for. What is stored already, if stale, has been admitted.
Detail Exchange::decide_admission(const FillJob& job) const {
  const policy::RouteRule& rule = *job.rule;
  const bool counts_variants = job.has_query && rule.variants > 0;
  if (job.previous || (rule.after <= 1 && !counts_variants)) return Detail::none;
  const policy::SystemSeconds now = worker_.shared.clock.now_in_seconds();
  const unsigned misses = worker_.shared.recent_keys.note(store::xxh3(job.key), now);
  policy::QueryVariants& variants = rules_->variants_of(rule);
  if (counts_variants && misses == 1) variants.note_new(now);
  return policy::decide_key_admission({.after = rule.after,
                                       .variants = rule.variants,
                                       .has_query = job.has_query,
                                       .misses = misses,
                                       .asked = variants.count(now)});
}

awaitable<After> Exchange::carry_out(policy::Refill refill, store::Lookup found) {
  After after = After::broken;
  record_.cache.result =
      refill.reason == ForwardReason::stale ? CacheResult::expired : CacheResult::miss;
  record_.cache.forward = refill.reason;
  record_.cache.ttl = refill.ttl;
  record_.cache.detail = refill.detail;
  if (demands_.only_if_cached) {
    record_.cache.forward.reset();
    after = co_await answer_.send_problem(504, not_stored);
    co_return after;
  }
  if (!demands_.no_cache) stale_ = found.response;

  const policy::Tags tags = policy::tags_of_response(match_.rule->name, path_, user_, rule_tags_);
  store::Stamps local = worker_.shared.local_stamps.current(tags);
  FillJob job = make_fill_job(std::move(found.response));
  if (found.available) {
    const Detail refused = decide_admission(job);
    if (refused != Detail::none) {
      after = co_await pass_on(refill.reason, refused);
      co_return after;
    }
    const bool shares = refill.reason != ForwardReason::request;
    store::FillStart start = co_await begin_fill(worker_, key_, resource(), std::move(found.stamps),
                                                 job.previous, shares);
    job.start = std::move(start);
  }
  const bool differs = job.differs;
  const Collapse::Joined joined =
      worker_.shared.collapse.join(key_, job.start.stamps.value_or(store::Stamps{}),
                                   std::move(local), SteadyClock::now(), demands_.no_cache);
  record_.cache.collapsed = !joined.leads;
  // Another fill may have ended between this request's look and its lead.
  job.looks_again =
      refill.reason != ForwardReason::request &&
      (job.start.stored_since || worker_.shared.collapse.departures(key_) != departures_);
  if (joined.leads) start_fill(worker_, joined.fill, std::move(job));
  after = co_await answer_from(joined.fill, joined.leads, differs);
  co_return after;
}

awaitable<After> Exchange::answer_failed(FetchFailure failure) {
  record_.failure = failure;
  After after = After::broken;
  if (stale_) {
    const std::optional<policy::Reuse> reuse = policy::decide_stale_reuse(
        *stale_, demands_, *match_.rule, policy::OriginTrouble::unreachable,
        worker_.shared.clock.now_in_seconds());
    if (reuse) {
      after = co_await answer_stored(*reuse, std::move(stale_));
      co_return after;
    }
  }
  // RFC 9111 5.2.2.2: 504 where what is stored must not be served without asking.
  const bool must_ask = stale_ && stale_->terms.never_stale;
  after = co_await answer_.send_problem(must_ask ? 504 : status_for(failure), describe(failure));
  co_return after;
}

// An answer that is not stored is nobody's but its leader's, and not even its own when its request
// said more than the fill did: then the request itself is passed on.
awaitable<After> Exchange::answer_from(std::shared_ptr<Fill> fill, bool leads, bool differs) {
  const auto timer = std::make_shared<Timer>(worker_.io);
  // A fill always ends by its own deadlines; this one is for a fill that hangs on another thread.
  const milliseconds patience = settings_.origin_queue_timeout + 2 * settings_.connect_timeout +
                                first_byte_timeout() + settings_.between_bytes_timeout +
                                (settings_.redis ? settings_.redis->fill_lock : milliseconds(0));
  Fill::Snapshot snapshot = fill->snapshot();
  bool changed = true;
  // Content of unknown length may yet prove too large: only the leader may begin with it.
  // A part can be cut from the whole alone.
  const bool needs_whole = head_.fields.has(http::FieldName::range);
  const auto is_undecided = [&] {
    return snapshot.state == Fill::State::waiting ||
           (snapshot.state == Fill::State::arriving &&
            (needs_whole || (!snapshot.length && !leads)));
  };
  while (is_undecided() && changed) {
    changed = co_await fill->changed(snapshot.version, timer, patience);
    snapshot = fill->snapshot();
  }

  After after = After::broken;
  if (is_undecided()) snapshot.state = Fill::State::waiting;
  switch (snapshot.state) {
    case Fill::State::waiting:
    case Fill::State::failed:
      after = co_await answer_failed(snapshot.state == Fill::State::failed
                                         ? snapshot.failure
                                         : FetchFailure::first_byte_timed_out);
      co_return after;
    case Fill::State::refused: {
      if (stale_ && policy::is_origin_trouble(snapshot.origin_status)) {
        const std::optional<policy::Reuse> reuse = policy::decide_stale_reuse(
            *stale_, demands_, *match_.rule, policy::OriginTrouble::error_status,
            worker_.shared.clock.now_in_seconds());
        if (reuse) {
          after = co_await answer_stored(*reuse, std::move(stale_));
          co_return after;
        }
      }
      std::optional<OriginAnswer> answer;
      if (leads) answer = fill->take_answer();
      record_.cache.detail = snapshot.detail;
      if (answer && !differs) {
        // What had arrived before it proved too large comes first.
        if (snapshot.available > 0) answer->prefix.insert(0, fill->content().view());
        after = co_await relay(std::move(*answer), nullptr, relay_to());
      } else {
        answer.reset();
        after = co_await pass_on(*record_.cache.forward, snapshot.detail);
      }
      co_return after;
    }
    case Fill::State::arriving:
    case Fill::State::complete:
      break;
  }

  if (!policy::is_selected(snapshot.response->vary, head_, match_.rule->share)) {
    after = co_await pass_on(ForwardReason::vary_miss, Detail::not_ours_to_share);
    co_return after;
  }
  record_.cache.forward_status.reset();
  if (snapshot.origin_status == 304) record_.cache.forward_status = snapshot.origin_status;
  if (snapshot.detail != Detail::none) record_.cache.detail = snapshot.detail;
  // Not claimed for content of unknown length that may yet prove too large.
  const bool will_be_whole = snapshot.state == Fill::State::complete || snapshot.length;
  record_.cache.stored = snapshot.detail == Detail::none && will_be_whole;
  if (record_.cache.result == CacheResult::expired) record_.cache.ttl = seconds{0};
  if (snapshot.state == Fill::State::complete) {
    after = co_await send_stored(answer_, head_, snapshot.response, snapshot.origin_age,
                                 worker_.shared.clock.now_in_seconds());
  } else {
    after = co_await stream_from(std::move(fill), std::move(snapshot), timer);
  }
  co_return after;
}

awaitable<After> Exchange::stream_from(std::shared_ptr<Fill> fill, Fill::Snapshot snapshot,
                                       std::shared_ptr<Timer> timer) {
  const policy::StoredResponse& arriving = *snapshot.response;
  const policy::Selection selection =
      policy::select(head_, arriving, worker_.shared.clock.now_in_seconds());
  if (selection.not_modified) {
    const After after = co_await send_stored(answer_, head_, snapshot.response, snapshot.origin_age,
                                             worker_.shared.clock.now_in_seconds());
    co_return after;
  }
  answer_.begin(arriving.status, policy::reason_phrase(arriving.status));
  answer_.head() += policy::varies_by_coding(arriving, snapshot.length, match_.rule->compression)
                        ? policy::make_decoded_head(arriving.head)
                        : arriving.head;
  bool chunked = false;
  if (snapshot.length) {
    answer_.append_length(*snapshot.length);
  } else {
    chunked = answer_.append_unknown_length();
  }
  if (snapshot.origin_age) answer_.append_age(*snapshot.origin_age);
  answer_.end_head();
  if (head_.method == http::Method::head) {
    const After after = co_await answer_.finish();
    co_return after;
  }
  while (true) {
    // The state as it is before the content is looked at: what came before an end is then surely
    // seen.
    snapshot = fill->snapshot();
    for (std::string_view piece = fill->piece(record_.content_sent);
         !piece.empty() || !answer_.head().empty(); piece = fill->piece(record_.content_sent)) {
      // The end is told once the answer is stored, so that whoever has the whole of it finds it
      // there.
      const bool ends = !piece.empty() && snapshot.length &&
                        record_.content_sent + piece.size() == *snapshot.length;
      if (ends && snapshot.state == Fill::State::arriving) break;
      const IoStatus written = co_await answer_.send(piece, chunked);
      if (written != IoStatus::ok) co_return After::broken;
    }
    if (snapshot.state == Fill::State::complete) {
      record_.cache.stored = snapshot.detail == Detail::none;
      break;
    }
    if (snapshot.state == Fill::State::failed) {
      record_.failure = snapshot.failure;
      co_return After::broken;
    }
    if (snapshot.state == Fill::State::refused) {
      std::optional<OriginAnswer> rest = fill->take_answer();
      if (!rest) co_return After::broken;
      record_.cache.detail = snapshot.detail;
      const After after =
          co_await relay_content(std::move(*rest), nullptr, chunked, false, relay_to());
      co_return after;
    }
    const bool changed =
        co_await fill->changed(snapshot.version, timer, settings_.between_bytes_timeout);
    if (!changed) co_return After::broken;
  }
  if (chunked) answer_.head() += "0\r\n\r\n";
  const After after = co_await answer_.finish();
  co_return after;
}

// ---------------------------------------------------------------------------------------------------

awaitable<After> Exchange::pass_on(ForwardReason reason, Detail detail) {
  record_.cache.forward = reason;
  record_.cache.detail = detail;
  if (reason == ForwardReason::bypass || reason == ForwardReason::method)
    record_.cache.result = CacheResult::bypass;
  if (reason == ForwardReason::vary_miss) record_.cache.result = CacheResult::miss;

  PassingOn passing_on({.worker = worker_,
                        .client = client_,
                        .head = head_,
                        .after_head = after_head_,
                        .content = content_,
                        .rules = *rules_,
                        .forwarded = forwarded_,
                        .writer = writer(),
                        .answer = answer_,
                        .record = record_,
                        .first_byte_timeout = first_byte_timeout(),
                        .response_timeout = response_timeout()});
  const After after = co_await passing_on.run();
  co_return after;
}

std::uint64_t Exchange::body_limit() const {
  return match_.rule ? match_.rule->body_limit.value_or(settings_.body_limit)
                     : settings_.body_limit;
}

milliseconds Exchange::first_byte_timeout() const {
  const bool has_own = match_.rule && match_.rule->first_byte_timeout.count() > 0;
  return has_own ? match_.rule->first_byte_timeout : settings_.first_byte_timeout;
}

milliseconds Exchange::response_timeout() const {
  return match_.rule ? match_.rule->response_timeout.value_or(settings_.response_timeout)
                     : settings_.response_timeout;
}

}  // namespace larder::session
