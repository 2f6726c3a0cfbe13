// A flood of random query parameters: what it costs those who ask for what is hot, counted.
//
// 1,000 hot URLs by Zipf's law, and for each request for one of them one for a URL that nobody asks
// for again. Room for twice the hot set. Every miss is stored, if policy/key_admission lets it.

#include <cmath>
#include <functional>
#include <list>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <doctest/doctest.h>

#include "policy/key_admission.hpp"
#include "store/memory_store.hpp"
#include "store/test_responses.hpp"
#include "store/xxh3.hpp"

namespace larder::test {
namespace {

constexpr std::size_t hot_urls = 1'000;
constexpr std::size_t room = 2 * hot_urls;
constexpr unsigned hot_requests = 200'000;

struct Cache {
  std::function<bool(const std::string&)> finds;
  std::function<void(const std::string&)> stores;
};

/// The memory tier.
Cache make_memory_tier() {
  struct State {
    explicit State(std::uint64_t capacity) : memory(capacity, stamps) {}
    store::LocalStamps stamps;
    store::MemoryStore memory;
    policy::StoredResponsePointer response = make_response(std::string(2'000, 'x'));
  };
  const SteadyClock::time_point now = SteadyClock::now();
  const auto put = [now](State& state, const std::string& key) {
    state.memory.put(key, *state.response, {}, {}, now + std::chrono::hours(1));
  };
  State one(1 << 20);
  put(one, "/items/?page=500");
  const auto state = std::make_shared<State>(room * one.memory.bytes());
  return {[state, now](const std::string& key) { return state->memory.find(key, now).has_value(); },
          [state, put](const std::string& key) { put(*state, key); }};
}

/// What allkeys-lru comes near to.
Cache make_least_recently_used() {
  struct State {
    std::list<std::string> order;  ///< most recent first
    std::unordered_map<std::string, std::list<std::string>::iterator> places;
  };
  const auto state = std::make_shared<State>();
  return {[state](const std::string& key) {
            const auto found = state->places.find(key);
            if (found == state->places.end()) return false;
            state->order.splice(state->order.begin(), state->order, found->second);
            return true;
          },
          [state](const std::string& key) {
            state->order.push_front(key);
            state->places[key] = state->order.begin();
            if (state->order.size() <= room) return;
            state->places.erase(state->order.back());
            state->order.pop_back();
          }};
}

enum class Flood : bool { none, one_to_one };

/// Of the requests for hot URLs, in percent.
double hit_ratio(Cache cache, Flood flood, unsigned variants) {
  std::vector<double> up_to(hot_urls);
  double sum = 0;
  for (std::size_t i = 0; i < hot_urls; ++i) up_to[i] = sum += 1.0 / static_cast<double>(i + 1);

  policy::RecentKeys recent(0x2545F4914F6CDD1D);
  policy::QueryVariants asked;
  const policy::SystemSeconds now{std::chrono::hours(500'000)};
  const auto ask = [&](const std::string& key) {
    if (cache.finds(key)) return true;
    const unsigned misses = recent.note(store::xxh3(key), now);
    if (misses == 1) asked.note_new(now);
    const policy::Detail detail = policy::decide_key_admission(
        {.variants = variants, .has_query = true, .misses = misses, .asked = asked.count(now)});
    if (detail == policy::Detail::none) cache.stores(key);
    return false;
  };

  std::mt19937_64 random(20'261'123);
  unsigned hits = 0;
  for (unsigned i = 0; i < hot_requests; ++i) {
    const double drawn = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    const auto place = std::lower_bound(up_to.begin(), up_to.end(), drawn);
    hits += ask("/items/?page=" + std::to_string(place - up_to.begin())) ? 1 : 0;
    if (flood == Flood::one_to_one) static_cast<void>(ask("/items/?x=" + std::to_string(random())));
  }
  return 100.0 * hits / hot_requests;
}

TEST_CASE("a flood of random query parameters does not push out what is hot") {
  struct Tier {
    const char* name;
    Cache (*make)();
    double lost_without_cap;  ///< at least, in points
    double lost_with_cap;     ///< at most
  };
  const Tier tiers[] = {
      {"memory tier (SIEVE)", make_memory_tier, 0, 0.5},
      {"least recently used, as in Redis", make_least_recently_used, 5, 0.5},
  };
  for (const Tier& tier : tiers) {
    CAPTURE(tier.name);
    const double calm = hit_ratio(tier.make(), Flood::none, 0);
    const double uncapped = hit_ratio(tier.make(), Flood::one_to_one, 0);
    const double capped = hit_ratio(tier.make(), Flood::one_to_one, 1'000);
    const double by_default = hit_ratio(tier.make(), Flood::one_to_one, 10'000);
    MESSAGE(std::string(tier.name)
            << ": hits without flood " << calm << " %, with it " << uncapped
            << " %, with variants: 1000 " << capped << " %, with 10000 " << by_default << " %");
    CHECK(calm - uncapped >= tier.lost_without_cap);
    CHECK(calm - capped <= tier.lost_with_cap);
    CHECK(calm - by_default <= 2 * tier.lost_with_cap + 0.5);
  }
}

}  // namespace
}  // namespace larder::test
