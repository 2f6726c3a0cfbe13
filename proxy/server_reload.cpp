// The part of Server that changes what is stored, or how, while it serves: reloading and purging.
#include <atomic>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include "ops/purge_request.hpp"
#include "policy/purge.hpp"
#include "policy/rules_change.hpp"
#include "server.hpp"
#include "server_thread.hpp"

namespace larder {

namespace {

/// A thread that is busy for longer takes the rules when it comes to it.
constexpr std::chrono::seconds swap_patience{5};
/// Tags in one command.
constexpr std::size_t most_tags_at_once = 256;

/// How many threads have yet to take the rules; the timer ends when none has.
struct Swap {
  Swap(std::size_t threads, asio::io_context& io) : left(threads), all_done(io, swap_patience) {}
  std::atomic<std::size_t> left;
  Timer all_done;
};

boost::json::array to_array(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

std::shared_ptr<const session::RuleSet> Server::make_rules(policy::Routes routes) {
  std::vector<session::RuleSlot> slots = counters_.slots_of(routes);
  return std::make_shared<const session::RuleSet>(std::move(routes), std::move(slots),
                                                  rules_.get());
}

void Server::watch_rules() {
  if (source_.path.empty()) return;
  rules_watch_.emplace(control_, source_.path, source_.signature, [this] {
    asio::co_spawn(control_, reload("the files have changed"), asio::detached);
  });
  rules_watch_->start();
}

// Who asks for one while another takes the same change has its answer when that is in force and
// what it concerns evicted.
awaitable<Server::Reloaded> Server::reload(std::string why) {
  while (is_reloading_) {
    const auto [ignored] = co_await reload_ended_.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
  is_reloading_ = true;
  Reloaded reloaded;
  std::exception_ptr failure;
  try {
    reloaded = co_await reload_alone(std::move(why));
  } catch (...) {
    failure = std::current_exception();
  }
  // Not in a destructor: a reload that the end of the server breaks off outlives the timer.
  is_reloading_ = false;
  reload_ended_.cancel();
  if (failure) std::rethrow_exception(failure);
  co_return reloaded;
}

// Which exchanges are served by which rules: those that have begun go on under the old ones, which
// they hold. What an old rule stored is evicted once nobody begins by it any more; a write that has
// begun before evicts by the new rules as well (session/passing_on).
awaitable<Server::Reloaded> Server::reload_alone(std::string why) {
  Reloaded reloaded;
  if (rules_watch_) rules_watch_->note_read();
  config::LoadResult loaded = source_.read();
  // A file that is just being written is empty for a moment.
  if (loaded.ok() && loaded.config.routes.rules.empty() && !rules_->routes.rules.empty())
    loaded.findings.push_back({config::Finding::Level::error, source_.path, 0, 0,
                               "there are no rules; start without --rules to pass everything on"});
  for (const config::Finding& finding : loaded.findings)
    reloaded.findings.push_back(config::format_finding(finding));
  reloaded.is_ok = loaded.ok();
  if (!reloaded.is_ok) {
    const auto first_error = std::find_if(
        loaded.findings.begin(), loaded.findings.end(),
        [](const auto& finding) { return finding.level == config::Finding::Level::error; });
    ++rules_status_.failed_reloads;
    rules_status_.last_reload_failed = true;
    rules_status_.last_failure = config::format_finding(*first_error);
    for (const std::string& finding : reloaded.findings) spdlog::error("rules: {}", finding);
    spdlog::error("rules: {}, and the old ones stay in force", why);
    co_return reloaded;
  }
  for (const std::string& finding : reloaded.findings) spdlog::warn("rules: {}", finding);
  rules_status_.needs_restart = config::changed_settings(started_with_, loaded.given);
  for (const std::string& name : rules_status_.needs_restart)
    spdlog::warn("rules: settings.{} has changed and needs a restart; the rules are taken", name);

  policy::Tags old = policy::tags_of_changed_rules(rules_->routes, loaded.config.routes);
  rules_ = make_rules(std::move(loaded.config.routes));
  rules_status_.rules = rules_->routes.rules.size();
  ++rules_status_.generation;
  ++rules_status_.reloads;
  rules_status_.last_reload_failed = false;
  rules_status_.last_failure.clear();
  spdlog::info("rules: {}, {} are in force", why, rules_status_.rules);
  co_await put_in_force(rules_);
  co_await evict_changed(std::move(old));
  co_return reloaded;
}

// A write that was given up shortly before evicted by the old rules alone, and may be carried out
// yet: nothing is stored under the new ones either until it would be too late.
awaitable<void> Server::evict_changed(policy::Tags tags) {
  if (tags.empty()) co_return;
  const SteadyClock::time_point given_up = shared_.write_given_up;
  const bool may_change_yet = given_up != SteadyClock::time_point::min() &&
                              SteadyClock::now() - given_up < config_.settings.lease;
  const auto evicting = [may_change_yet](store::Store& store, policy::Tags some) {
    return may_change_yet ? store.give_up_write(nullptr, std::move(some))
                          : store.evict(std::move(some));
  };
  const store::EvictOutcome ignored = co_await evict(std::move(tags), Counted::no, evicting);
  (void)ignored;
}

awaitable<void> Server::put_in_force(std::shared_ptr<const session::RuleSet> rules) {
  const auto swap = std::make_shared<Swap>(threads_.size(), control_);
  for (const std::unique_ptr<Thread>& thread : threads_) {
    asio::post(thread->worker.io, [this, &worker = thread->worker, rules, swap] {
      worker.take_rules(rules);
      if (swap->left.fetch_sub(1) == 1) asio::post(control_, [swap] { swap->all_done.cancel(); });
    });
  }
  const auto [ignored] = co_await swap->all_done.async_wait(asio::as_tuple(use_awaitable));
  (void)ignored;
}

awaitable<store::EvictOutcome> Server::evict(policy::Tags tags, Counted counted,
                                             Evicting evicting) {
  // The store is to be asked on its own thread.
  asio::io_context& io = threads_.front()->worker.io;
  const store::EvictOutcome outcome = co_await asio::co_spawn(
      io, evict_there(std::move(tags), counted, std::move(evicting)), use_awaitable);
  co_return outcome;
}

awaitable<store::EvictOutcome> Server::evict_there(policy::Tags tags, Counted counted,
                                                   Evicting evicting) {
  session::Worker& worker = threads_.front()->worker;
  auto outcome = store::EvictOutcome::done;
  for (std::size_t at = 0; at < tags.size(); at += most_tags_at_once) {
    if (!worker.store) co_return store::EvictOutcome::deferred;  // it is ending
    const auto first = tags.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last =
        first + static_cast<std::ptrdiff_t>(std::min(most_tags_at_once, tags.size() - at));
    const store::EvictOutcome one = co_await evicting(*worker.store, policy::Tags(first, last));
    if (one != store::EvictOutcome::done) outcome = one;
  }
  if (counted == Counted::as_purge)
    counters_.block(0).add_eviction(ops::EvictionCause::purge, tags.size(),
                                    outcome == store::EvictOutcome::deferred);
  co_return outcome;
}

awaitable<ops::AdminAnswer> Server::answer_reload() {
  if (source_.path.empty())
    co_return ops::AdminAnswer{"there is nothing to read: it was started without --rules\n", 409};
  const Reloaded reloaded = co_await reload("POST /reload");
  boost::json::object json;
  json["reloaded"] = reloaded.is_ok;
  json["rules"] = rules_status_.rules;
  json["generation"] = rules_status_.generation;
  json["findings"] = to_array(reloaded.findings);
  json["needs_restart"] = to_array(rules_status_.needs_restart);
  co_return ops::json_answer(boost::json::serialize(json) + "\n", reloaded.is_ok ? 200 : 422);
}

awaitable<ops::AdminAnswer> Server::answer_purge(std::string body) {
  const auto parsed = ops::parse_purge_request(body);
  if (const auto* bad = std::get_if<ops::BadPurgeRequest>(&parsed))
    co_return ops::AdminAnswer{bad->why + "\n", 400};
  const auto& request = std::get<ops::PurgeRequest>(parsed);
  if (!shared_.purge_limit.take(SteadyClock::now()))
    co_return ops::AdminAnswer{"too many purges at once\n", 429};
  auto decided = policy::tags_of_purge(request.target, request.strength, rules_->routes);
  if (const auto* refused = std::get_if<policy::PurgeRefused>(&decided))
    co_return ops::AdminAnswer{refused->why + "\n", 400};
  session::Purged purged{.tags = std::get<policy::Tags>(std::move(decided)),
                         .strength = request.strength};
  purged.in_memory = stores_.memory.count_of(purged.tags);
  if (!request.is_dry_run) {
    const auto evicting = [strength = request.strength](store::Store& store, policy::Tags tags) {
      return session::purge(store, std::move(tags), strength);
    };
    const store::EvictOutcome outcome = co_await evict(purged.tags, Counted::as_purge, evicting);
    purged.outcome = outcome;
    spdlog::info("purged: {}", ops::format_purge_request(request));
  }
  co_return ops::json_answer(session::format_purged(purged, config_.settings.redis.has_value()));
}

}  // namespace larder
