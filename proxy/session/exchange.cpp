#include "session/exchange.hpp"

#include <chrono>
#include <utility>

#include "policy/explanation.hpp"
#include "policy/problem.hpp"
#include "policy/rule_tags.hpp"
#include "policy/tags.hpp"
#include "session/joining.hpp"
#include "session/purging.hpp"
#include "session/verifying.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

using policy::CacheResult;
using policy::Detail;
using policy::ForwardReason;

Exchange::Exchange(Worker& worker, Client client, const http::RequestHead& head,
                   std::string_view after_head, Routing& routing)
    : worker_(worker),
      settings_(worker.shared.settings),
      client_(client),
      head_(head),
      after_head_(after_head),
      content_(client.stream, after_head, head.framing, settings_.client_timeout),
      routing_(routing),
      rules_(routing.rules()),
      match_(routing.match()),
      path_(routing.path()),
      key_(client.scratch.key),
      started_(SteadyClock::now()),
      answer_(client, head, record_, settings_.client_timeout,
              head.keep_alive && !worker.draining && !client.is_last) {
  content_.set_pace(Pace(settings_.minimum_rate, settings_.rate_grace));
  key_.clear();
}

policy::LookupFacts Exchange::facts() const {
  return {.head = head_,
          .match = match_,
          .path = path_,
          .ambiguous = routing_.is_ambiguous(),
          .forwarded = forwarded_,
          .session_cookies = settings_.session_cookies,
          .who = who_ ? &*who_ : nullptr,
          .accepts = &worker_.accepts,
          .variants = &routing_.variants()};
}

void Exchange::identify() {
  const bool is_per_user = match_.rule && match_.rule->share == policy::Share::per_user;
  const bool may_evict = !http::is_safe(head_.method, head_.method_text);
  if (!is_per_user && !(may_evict && policy::is_writer_asked_for(rules_->routes))) return;
  who_ = worker_.identifier.identify(head_.fields, worker_.shared.clock.now_in_seconds());
  const auto* user = std::get_if<identity::Identity>(&*who_);
  if (user && is_per_user && match_.rule->written_by == policy::WrittenBy::owner)
    user_ = *user->digest;
}

void Exchange::name_request() {
  if (settings_.request_id) {
    id_.take_or_make(head_.fields, worker_.random);
    forwarded_.request_id_line = id_.line();
    record_.id = &id_;
  }
  if (settings_.otlp.endpoint) {
    span_ = begin_span(head_.fields, settings_.otlp.sample, worker_.random);
    if (!span_) return;
    forwarded_.trace_parent = span_->trace_parent();
    record_.span = &*span_;
  }
}

// As far as it goes without waiting: a hit from memory goes all the way.
std::optional<After> Exchange::begin() {
  record_.began = worker_.shared.clock.now();
  record_.peer = client_.peer.empty() ? std::string_view("unix") : client_.peer;
  record_.method = head_.method_text;
  record_.host = head_.host;
  record_.path = head_.path;
  record_.query = head_.query.value_or(std::string_view());
  record_.request = &head_;

  forwarded_ = policy::decide_forwarded(head_, client_.peer, client_.trusted, client_.scheme);
  record_.scheme = forwarded_.proto;
  name_request();
  routing_.follow(head_.path, worker_.rule_set);
  if (match_.rule) {
    record_.rule = match_.rule->name;
    record_.rule_slot = rules_->slot_of(*match_.rule);
  }
  identify();
  is_explained_ = policy::wants_explanation(head_, forwarded_);
  if (is_explained_) answer_.explain(policy::format_explanation_fields(facts(), user_));

  progress_ = decide();
  const auto* after = std::get_if<After>(&progress_);
  return after ? std::optional(end(*after)) : std::nullopt;
}

awaitable<After> Exchange::finish() {
  if (auto* storing = std::get_if<AwaitStoring>(&progress_)) {
    co_await wait_for(std::move(storing->fill));
    departures_ = worker_.shared.collapse.departures(key_);
    progress_ = look_up_now();
  }
  if (std::holds_alternative<AwaitStore>(progress_)) {
    const store::OnMiss next = fills_at_once() ? store::OnMiss::fill : store::OnMiss::other;
    store::Lookup found = co_await worker_.store->lookup(key_, resource(), next);
    progress_ = use(std::move(found), worker_.shared.clock.now_in_seconds());
  }
  After after = After::broken;
  if (const auto* known = std::get_if<After>(&progress_)) {
    after = *known;
  } else if (const auto* pass = std::get_if<policy::PassOn>(&progress_)) {
    after = co_await pass_on(*pass);
  } else if (auto* miss = std::get_if<AwaitFill>(&progress_)) {
    after = co_await refill(miss->reason, std::move(miss->found));
  } else if (std::holds_alternative<AwaitPurge>(progress_)) {
    after = co_await answer_purge(worker_, head_, answer_, record_);
  } else {
    after = co_await sending_.finish(answer_);
  }
  co_return end(after);
}

After Exchange::end(After after) {
  record_.took = SteadyClock::now() - started_;
  record_.cut_off = after == After::broken;
  worker_.records.note(record_);
  // What the client still sends of a request that has been answered cannot be told from its next
  // one.
  return after == After::keep && !content_.is_at_end() ? After::close : after;
}

Exchange::Progress Exchange::decide() {
  const std::uint64_t limit = body_limit();
  content_.set_limit(limit);
  if (limit > 0 && head_.framing.kind == http::BodyFraming::Kind::length &&
      head_.framing.length > limit)
    return refuse_content();
  if (settings_.purge_method && head_.method_text == "PURGE") return AwaitPurge{};
  const policy::LookupDecision lookup = policy::decide_lookup(facts());
  if (const auto* pass = std::get_if<policy::PassOn>(&lookup)) return *pass;
  return look_up(std::get<policy::LookUp>(lookup).demands);
}

// Before anything of the request has been sent on.
Exchange::Progress Exchange::refuse_content() {
  record_.cache.forward = ForwardReason::bypass;
  record_.failure = FetchFailure::client_too_large;
  answer_.close_afterwards();
  return send_problem(status_for(record_.failure), describe(record_.failure));
}

Exchange::Progress Exchange::send_problem(std::uint16_t status, std::string_view detail) {
  answer_.write_problem(status, detail);
  const std::optional<After> sent = answer_.finish_now();
  return sent ? Progress(*sent) : AwaitClient{};
}

namespace {
/// The store has deadlines of its own; this is for a fill that hangs on another thread.
constexpr milliseconds longest_storing{1000};
constexpr std::string_view not_stored =
    "nothing fresh is stored, and the request allows no other answer";
}  // namespace

/// Why nothing can be stored for the request, with its key made and its tags; or none.
Detail Exchange::make_key() {
  learned_ = &rules_->learned_of(*match_.rule).names();
  if (!policy::append_cache_key(facts(), *learned_, key_)) return Detail::ambiguous_query;
  if (!policy::may_be_tagged(path_)) return Detail::too_deep_path;
  if (worker_.unstored.remembers(key_, started_)) return Detail::not_stored_lately;
  if (match_.rule->tags.empty()) return Detail::none;
  std::variant<policy::Tags, Detail> tags = policy::make_rule_tags(facts());
  if (const auto* missing = std::get_if<Detail>(&tags)) return *missing;
  rule_tags_ = std::get<policy::Tags>(std::move(tags));
  return Detail::none;
}

Exchange::Progress Exchange::look_up(policy::Demands demands) {
  demands_ = demands;
  const Detail unusable = make_key();
  if (is_explained_) {
    shown_key_ = policy::make_shown_key(facts(), *learned_);
    record_.cache.key = shown_key_;
  }
  if (unusable != Detail::none && demands_.only_if_cached) {
    record_.cache.detail = unusable;
    return send_problem(504, not_stored);
  }
  if (unusable != Detail::none) return policy::PassOn{ForwardReason::bypass, unusable};

  Collapse::Standing standing = worker_.shared.collapse.standing(key_);
  if (standing.fill && standing.fill->snapshot().is_ahead_of_store())
    return AwaitStoring{std::move(standing.fill)};
  departures_ = standing.departures;
  return look_up_now();
}

awaitable<void> Exchange::wait_for(std::shared_ptr<Fill> fill) {
  const auto timer = std::make_shared<Timer>(worker_.io);
  Fill::Snapshot seen = fill->snapshot();
  for (bool changed = true; seen.is_ahead_of_store() && changed; seen = fill->snapshot()) {
    const bool later = co_await fill->changed(seen.version, timer, longest_storing);
    changed = later;
  }
}

Exchange::Progress Exchange::look_up_now() {
  std::optional<store::Lookup> found = worker_.store->lookup_now(key_, resource());
  if (!found) return AwaitStore{};
  return use(std::move(*found), std::chrono::floor<seconds>(record_.began));
}

Exchange::Progress Exchange::use(store::Lookup&& found, policy::SystemSeconds now) {
  const policy::ReuseDecision decision = policy::decide_reuse(head_, demands_, found.response.get(),
                                                              found.softened, *match_.rule, now);
  return std::visit([&](const auto& chosen) { return carry_out(chosen, std::move(found), now); },
                    decision);
}

Exchange::Progress Exchange::carry_out(const policy::Reuse& reuse, store::Lookup&& found,
                                       policy::SystemSeconds now) {
  record_.tier = found.tier;
  if (reuse.refresh && found.available)
    start_refresh(worker_, std::move(found.stamps), make_fill_job(found.response));
  if (match_.rule->verify > 0) verify(reuse);
  note_reuse(reuse, record_);
  const std::optional<After> sent =
      sending_.start(answer_, head_, std::move(found.response), reuse.age, now);
  return sent ? Progress(*sent) : AwaitClient{};
}

void Exchange::verify(const policy::Reuse& reuse) {
  // What is stale by age may differ.
  if (reuse.ttl <= seconds{0} || worker_.random.next() % 1'000'000 >= match_.rule->verify ||
      !may_verify(worker_))
    return;
  FillJob job = make_fill_job(nullptr);
  std::string own_head = make_own_head(job, head_);
  start_verification(worker_, {.fill = std::move(job),
                               .own_head = std::move(own_head),
                               .hit_began = std::chrono::floor<milliseconds>(record_.began)});
}

Exchange::Progress Exchange::carry_out(const policy::OwnRequest& own, const store::Lookup&,
                                       policy::SystemSeconds) {
  return policy::PassOn{own.reason, own.detail};
}

Exchange::Progress Exchange::carry_out(const policy::Refill& refill, store::Lookup&& found,
                                       policy::SystemSeconds) {
  record_.cache.result =
      refill.reason == ForwardReason::stale ? CacheResult::expired : CacheResult::miss;
  record_.cache.forward = refill.reason;
  record_.cache.ttl = refill.ttl;
  record_.cache.detail = refill.detail;
  if (!demands_.only_if_cached) return AwaitFill{refill.reason, std::move(found)};
  record_.cache.forward.reset();
  return send_problem(504, not_stored);
}

FillJob Exchange::make_fill_job(policy::StoredResponsePointer previous) {
  // What the origin makes of them is for everybody, so they are no client's, but Larder's own.
  policy::ForwardedFacts told = forwarded_;
  told.trace_parent = {};
  if (record_.id && id_.is_the_clients()) {
    fill_id_.make(worker_.random);
    record_.fill_id = &fill_id_;
    told.request_id_line = fill_id_.line();
  }
  policy::FillRequest request = policy::make_fill_request(facts(), *learned_);
  FillJob job{.key = key_,
              .path = path_,
              .user = std::string(user_),
              .rule_tags = rule_tags_,
              .rules = rules_,
              .rule = match_.rule,
              .keyed = std::move(request.keyed),
              .head = {},
              .previous = std::move(previous),
              .scheme = std::string(forwarded_.proto),
              .host = std::string(head_.host),
              .first_byte_timeout = first_byte_timeout(),
              .response_timeout = response_timeout(),
              .has_query = request.target.find('?') != std::string::npos,
              .differs = request.differs || head_.method == http::Method::head};
  policy::append_fill_head(head_, told, request.target, job.keyed, request.cookie, job.head);
  return job;
}

/// Should nothing be stored, is the origin asked for all?
bool Exchange::fills_at_once() const {
  return !demands_.only_if_cached && !demands_.no_cache && !demands_.has_credentials &&
         match_.rule->after <= 1;
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

awaitable<After> Exchange::refill(ForwardReason reason, store::Lookup found) {
  policy::StoredResponsePointer stale;
  if (!demands_.no_cache) stale = found.response;
  const bool is_softened = found.softened;

  // What others fetch may be what this request refused of the store (max-age, min-fresh).
  const bool wants_own = demands_.no_cache || reason == ForwardReason::request;
  FillJob job = make_fill_job(std::move(found.response));
  if (found.available) {
    const Detail refused = decide_admission(job);
    if (refused != Detail::none) {
      if (found.begun) worker_.store->end_fill(key_);
      const After after = co_await pass_on(policy::PassOn{reason, refused});
      co_return after;
    }
    // Nor does another replica's fill help where each request has to have it validated.
    const bool shares = !wants_own && !(job.previous && job.previous->terms.validate_always);
    if (found.begun) {
      job.start = std::move(*found.begun);
    } else {
      store::FillStart start = co_await begin_fill(worker_, key_, resource(),
                                                   std::move(found.stamps), job.previous, shares);
      job.start = std::move(start);
    }
  }
  store::Stamps local;
  if (!job.start.stamps)
    local = worker_.shared.local_stamps.current(
        policy::tags_of_response(match_.rule->name, path_, user_, rule_tags_));
  const bool differs = job.differs;
  const Collapse::Joined joined =
      worker_.shared.collapse.join(key_, {.stamps = job.start.stamps.value_or(store::Stamps{}),
                                          .local = std::move(local),
                                          .asked = started_,
                                          .now = SteadyClock::now(),
                                          .alone = wants_own});
  joined.fill->note_reader();
  record_.cache.collapsed = !joined.leads;
  // Another fill may have ended between this request's look and its lead.
  job.looks_again = !wants_own && (job.start.stored_since ||
                                   worker_.shared.collapse.departures(key_) != departures_);
  if (joined.leads) start_fill(worker_, joined.fill, std::move(job));
  Joining joining({.worker = worker_,
                   .head = head_,
                   .rule = *match_.rule,
                   .demands = demands_,
                   .stale = std::move(stale),
                   .is_softened = is_softened,
                   .answer = answer_,
                   .record = record_,
                   .first_byte_timeout = first_byte_timeout()},
                  joined.fill, joined.leads, differs);
  const JoinOutcome outcome = co_await joining.run();
  if (const auto* after = std::get_if<After>(&outcome)) co_return *after;
  const After after = co_await pass_on(std::get<policy::PassOn>(outcome));
  co_return after;
}

awaitable<After> Exchange::pass_on(policy::PassOn pass) {
  record_.cache.forward = pass.reason;
  record_.cache.detail = pass.detail;
  if (pass.reason == ForwardReason::bypass || pass.reason == ForwardReason::method)
    record_.cache.result = CacheResult::bypass;
  if (pass.reason == ForwardReason::vary_miss) record_.cache.result = CacheResult::miss;

  passing_on_.emplace(PassedOn{.worker = worker_,
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
                               .response_timeout = response_timeout(),
                               .watch = make_watch(pass.detail)});
  return passing_on_->run();
}

std::unique_ptr<AnswerWatch> Exchange::make_watch(Detail passed_on) {
  if (head_.method != http::Method::get) return nullptr;
  const auto asked = std::chrono::floor<milliseconds>(record_.began);
  if (passed_on == Detail::mode_shadow)
    return std::make_unique<ShadowWatch>(*rules_->shadow_of(*match_.rule), facts(),
                                         rules_->learned_of(*match_.rule), asked);
  Observing* const observing = worker_.shared.observing;
  if (passed_on != Detail::no_rule || !observing) return nullptr;
  return std::make_unique<ObservedGet>(
      *observing, facts(),
      worker_.identifier.identify(head_.fields, worker_.shared.clock.now_in_seconds()), asked);
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
