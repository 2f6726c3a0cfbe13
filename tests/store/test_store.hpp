// Test store: a worker's store with its loop, and its calls as plain functions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <doctest/doctest.h>

#include "store/eviction_listener.hpp"
#include "store/stamps.hpp"
#include "store/test_responses.hpp"
#include "store/tiered_store.hpp"

namespace larder::test {

using namespace std::chrono_literals;
using store::Lookup;
using store::Resource;
using store::Stamps;

class TestStore {
 public:
  /// Memory alone.
  explicit TestStore(std::shared_ptr<store::Shared> process)
      : shared(std::move(process)), store(store::make_memory_store(*shared)) {}
  TestStore(std::shared_ptr<store::Shared> process, const config::RedisSettings& settings)
      : shared(std::move(process)), store(store::make_redis_store(*shared, context, settings)) {}

  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;
  ~TestStore() {
    if (evictions) evictions->close();
  }

  static std::shared_ptr<store::Shared> make_shared(std::uint64_t memory,
                                                    std::chrono::milliseconds settle = 0ms,
                                                    std::chrono::milliseconds lease = 10s) {
    return std::make_shared<store::Shared>(memory,
                                           store::WriteTimes{.lease = lease, .settle = settle});
  }

  /// Runs the loop until the condition holds; false when it does not within `limit`.
  bool until(const std::function<bool()>& condition, SteadyClock::duration limit = 10s) {
    const SteadyClock::time_point end = SteadyClock::now() + limit;
    while (!condition()) {
      if (SteadyClock::now() >= end) return false;
      context.run_one_for(2ms);
    }
    return true;
  }
  bool until_available(SteadyClock::duration limit = 10s) {
    return until([this] { return store->is_available(); }, limit);
  }
  /// Hears of evictions from now on.
  void listen(const config::RedisSettings& settings) {
    evictions = store::EvictionListener::create(*shared, context, *store, settings);
  }
  bool until_trusted(SteadyClock::duration limit = 10s) {
    return until([this] { return shared->coherence.trusted(SteadyClock::now()) != 0; }, limit);
  }

  template <class T>
  T run(awaitable<T> work) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(work), [&](const std::exception_ptr& thrown, T value) {
      failure = thrown;
      result.emplace(std::move(value));
    });
    const bool done = until([&] { return result.has_value(); });
    REQUIRE(done);
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }

  Lookup lookup(std::string_view key, Resource resource,
                store::OnMiss on_miss = store::OnMiss::other) {
    std::optional<Lookup> now = store->lookup_now(key, resource);
    if (now) return std::move(*now);
    const auto look_up = [&]() -> awaitable<Lookup> {
      Lookup found = co_await store->lookup(key, resource, on_miss);
      co_return found;
    };
    return run(look_up());
  }
  std::optional<Stamps> stamps(Resource resource, Stamps known = {}, std::string_view key = "k") {
    return start(resource, std::move(known), key).stamps;
  }
  store::FillStart start(Resource resource, Stamps known = {}, std::string_view key = "k") {
    return run(store->stamps(key, resource, std::move(known)));
  }
  store::PutOutcome put(std::string key, Resource resource, Stamps stamps,
                        policy::StoredResponsePointer response,
                        std::chrono::seconds lifetime = 1h) {
    return run(
        store->put(std::move(key), resource, std::move(stamps), std::move(response), lifetime));
  }
  store::PutOutcome freshen(std::string key, Resource resource, Stamps stamps,
                            policy::StoredResponsePointer response,
                            std::chrono::seconds lifetime = 1h) {
    return run(
        store->freshen(std::move(key), resource, std::move(stamps), std::move(response), lifetime));
  }
  bool drop(std::string key) { return run(store->drop(std::move(key))); }
  store::EvictOutcome evict(policy::Tags tags) { return run(store->evict(std::move(tags))); }
  store::EvictOutcome soften(policy::Tags tags) { return run(store->soften(std::move(tags))); }
  store::LeasePointer begin_write(policy::Tags tags) {
    return run(store->begin_write(std::move(tags)));
  }
  store::EvictOutcome end_write(store::LeasePointer lease, policy::Tags evicted) {
    return run(store->end_write(std::move(lease), std::move(evicted)));
  }
  store::EvictOutcome give_up_write(store::LeasePointer lease, policy::Tags evicted) {
    return run(store->give_up_write(std::move(lease), std::move(evicted)));
  }

  /// A whole fill: stamps, then put.
  store::PutOutcome fill(std::string key, Resource resource, std::string_view content,
                         const std::vector<std::string>& tags = {}) {
    std::optional<Stamps> known = stamps(resource, {}, key);
    REQUIRE(known);
    return put(std::move(key), resource, std::move(*known), make_response(content, tags));
  }
  /// The content found, and whether it is softened; "-" when there is none, "!" when the store
  /// could not say.
  std::string content(std::string_view key, Resource resource) {
    const Lookup found = lookup(key, resource);
    if (!found.available) return "!";
    if (!found.response) return "-";
    return std::string(found.response->content.view()) + (found.softened ? " softened" : "");
  }

  const std::shared_ptr<store::Shared> shared;
  asio::io_context context{1};
  asio::executor_work_guard<Executor> work{context.get_executor()};
  std::unique_ptr<store::Store> store;
  std::shared_ptr<store::EvictionListener> evictions;
};

}  // namespace larder::test
