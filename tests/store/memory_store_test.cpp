#include "store/memory_store.hpp"

#include <malloc.h>

#include <cmath>
#include <list>
#include <random>
#include <thread>
#include <unordered_map>

#include <boost/container/detail/dlmalloc.hpp>
#include <doctest/doctest.h>

#include "policy/compression.hpp"
#include "store/test_responses.hpp"

namespace larder::store {
namespace {

using namespace std::chrono_literals;
using test::make_response;

constexpr SteadyClock::time_point start{};
constexpr SteadyClock::time_point later = start + 1h;

struct Memory {
  explicit Memory(std::uint64_t capacity = 1 << 20) : store(capacity, local) {}

  MemoryStore::Guard guard(std::initializer_list<const char*> tags = {"p:/a"}) const {
    MemoryStore::Guard guard;
    for (const char* tag : tags) {
      const LocalStamps::Slot slot = LocalStamps::slot_of(tag);
      guard.add(slot, local.current(slot));
    }
    return guard;
  }
  bool put(std::string_view key, std::string_view content = "content") {
    return store.put(key, *make_response(content), guard(), {}, later);
  }
  bool has(std::string_view key) { return store.find(key, start).has_value(); }

  LocalStamps local;
  MemoryStore store;
};

TEST_CASE("memory store: finds what was put under the full key, and nothing else") {
  Memory memory;
  REQUIRE(memory.put("GET /a"));
  const std::optional<MemoryStore::Found> found = memory.store.find("GET /a", start);
  REQUIRE(found);
  CHECK(found->response->content.view() == "content");
  for (const std::string_view key : {"", "GET /", "GET /a ", "GET /b"})
    CHECK_FALSE(memory.has(key));
  CHECK(memory.store.count() == 1);
}

TEST_CASE("memory store: what is found is what was put, whatever becomes of either") {
  using namespace std::chrono;
  const std::string head =
      "Content-Type: application/json\r\nETag: \"v1\"\r\n"
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nVary: Accept, X-A\r\n";
  for (const std::size_t size : {0, 1'000, 100'000}) {
    CAPTURE(size);
    Memory memory;
    const std::string content(size, 'x');
    policy::StoredResponsePointer found;
    {
      policy::StoredResponse response;
      response.status = 404;
      response.head = head;
      response.coded_head = policy::make_coded_head(head);
      response.etag = "\"v1\"";
      response.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
      response.has_own_etag = true;
      response.vary = {"accept", "x-a"};
      response.tags = {"t:a", "t:b"};
      response.response_time = policy::StoredTime(1'790'000'000s);
      response.initial_age = 3s;
      response.lifetime = 60s;
      response.terms.stale_if_error = 5s;
      response.content = policy::SharedBytes::copy_of(content);
      response.decoded_size = 4'711;
      REQUIRE(memory.store.put("k", response, memory.guard(), {{1, 2, 3}, 7}, later));
      const std::optional<MemoryStore::Found> kept = memory.store.find("k", start);
      REQUIRE(kept);
      CHECK(kept->stamps == Stamps{1, 2, 3});
      found = kept->response;
    }
    memory.store.clear();
    CHECK(found->status == 404);
    CHECK(found->has_own_etag);
    // The same lines, those of one name in their order (policy/shared_lines).
    CHECK(found->head.size() == head.size());
    for (const char* name : {"content-type", "etag", "last-modified", "vary"})
      CHECK(found->field(name).size() > 0);
    policy::StoredResponse coded;
    coded.head = found->coded_head;
    CHECK(coded.field("content-encoding") == "gzip");
    CHECK(coded.field("etag") == policy::make_coded_entity_tag("\"v1\""));
    CHECK(coded.field("content-type") == "application/json");
    CHECK(found->etag == "\"v1\"");
    CHECK(found->last_modified == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(found->vary == policy::Texts{"accept", "x-a"});
    CHECK(found->tags.to_vector() == std::vector<std::string>{"t:a", "t:b"});
    CHECK(found->response_time == policy::StoredTime(1'790'000'000s));
    CHECK(found->initial_age == 3s);
    CHECK(found->lifetime == 60s);
    CHECK(found->terms.stale_if_error == 5s);
    CHECK(found->decoded_size == 4'711);
    CHECK(found->content.view() == content);
    // What is copied of it needs it no more.
    const policy::StoredResponse copy = *found;
    found.reset();
    CHECK(copy.content.view() == content);
    CHECK(copy.etag == "\"v1\"");
  }
}

TEST_CASE("memory store: validators that no line of the head has are kept as well") {
  Memory memory;
  policy::StoredResponse response = *make_response("x");
  response.etag = "\"other\"";
  response.last_modified = "then";
  memory.store.put("k", response, memory.guard(), {}, later);
  const policy::StoredResponsePointer found = memory.store.find("k", start)->response;
  CHECK(found->etag == "\"other\"");
  CHECK(found->last_modified == "then");
  CHECK(found->coded_head.empty());
}

TEST_CASE("memory store: a second put replaces the first") {
  Memory memory;
  memory.put("k", "first");
  const std::uint64_t bytes = memory.store.bytes();
  memory.put("k", "other");
  CHECK(memory.store.find("k", start)->response->content.view() == "other");
  CHECK(memory.store.count() == 1);
  CHECK(memory.store.bytes() <= bytes + 16);  // a block may be larger than was asked for
}

TEST_CASE("memory store: nothing once its lifetime has ended") {
  Memory memory;
  memory.put("k");
  CHECK(memory.store.find("k", later - 1ns));
  CHECK_FALSE(memory.store.find("k", later));
  CHECK(memory.store.count() == 0);
  CHECK(memory.store.bytes() == 0);
}

TEST_CASE("memory store: nothing once one of its tags was evicted") {
  for (const char* evicted : {"p:/a", "r:R", "b:/"}) {
    CAPTURE(evicted);
    Memory memory;
    memory.store.put("k", *make_response("x"), memory.guard({"p:/a", "r:R", "b:/"}), {}, later);
    memory.local.evict("p:/elsewhere");
    CHECK(memory.has("k"));
    memory.local.evict(evicted);
    CHECK_FALSE(memory.has("k"));
    CHECK(memory.store.bytes() == 0);
  }
}

TEST_CASE("memory store: what was put with stamps from before an eviction is never found") {
  Memory memory;
  const MemoryStore::Guard old = memory.guard();
  memory.local.evict("p:/a");
  memory.store.put("k", *make_response("x"), old, {}, later);
  CHECK_FALSE(memory.has("k"));
}

TEST_CASE("memory store: what was verified by which connection") {
  Memory memory;
  const auto finds = [&memory](Coherence::Connection by) {
    return memory.store.find_verified("k", by, start) != nullptr;
  };
  CHECK_FALSE(finds(7));
  memory.store.put("k", *make_response("x"), memory.guard(), {{1, 2}, 7}, later);
  const policy::StoredResponsePointer response = memory.store.find("k", start)->response;
  CHECK(finds(7));
  CHECK_FALSE(finds(8));
  CHECK(memory.store.find("k", start)->stamps == Stamps{1, 2});

  const policy::StoredResponsePointer other = make_response("other");
  memory.store.note_verified("k", other.get(), 8);
  CHECK_FALSE(finds(8));
  memory.store.note_verified("k", response.get(), 8);
  CHECK(finds(8));
  CHECK_FALSE(finds(7));

  CHECK_FALSE(memory.store.find_verified("k", 8, later));
  memory.local.evict("p:/a");
  CHECK_FALSE(finds(8));
}

TEST_CASE("memory store: erase and clear give all bytes back") {
  Memory memory;
  memory.put("a");
  memory.put("b");
  CHECK(memory.store.erase("a"));
  CHECK_FALSE(memory.store.erase("a"));
  CHECK(memory.has("b"));
  const policy::StoredResponsePointer other = make_response("other");
  CHECK_FALSE(memory.store.erase("b", other.get()));
  CHECK(memory.has("b"));
  for (int i = 0; i < 100; ++i) memory.put(std::to_string(i));
  memory.store.clear();
  CHECK(memory.store.count() == 0);
  CHECK(memory.store.bytes() == 0);
  memory.put("again");
  CHECK(memory.has("again"));
}

TEST_CASE("memory store: with no capacity it keeps nothing") {
  Memory memory(0);
  CHECK_FALSE(memory.put("k"));
  CHECK_FALSE(memory.has("k"));
}

TEST_CASE("memory store: of the variants of one URL the newest are kept") {
  Memory memory;
  const auto put = [&](const std::string& key, std::size_t most) {
    memory.store.put(key, *make_response("x"), memory.guard(), {}, later, most);
  };
  const auto kept = [&](std::initializer_list<const char*> keys) {
    std::string found;
    for (const char* key : keys) found += memory.has(key) ? '+' : '-';
    return found;
  };
  put("/other/;|a;", 2);
  for (const char* key : {"/u/;|a;", "/u/;|b;", "/u/;|c;"}) put(key, 2);
  CHECK(kept({"/u/;|a;", "/u/;|b;", "/u/;|c;", "/other/;|a;"}) == "-+++");
  SUBCASE("one that is stored again is the newest") {
    put("/u/;|b;", 2);
    put("/u/;|d;", 2);
    CHECK(kept({"/u/;|b;", "/u/;|c;", "/u/;|d;"}) == "+-+");
  }
  SUBCASE("one that has gone leaves its place") {
    memory.store.erase("/u/;|b;");
    put("/u/;|d;", 2);
    CHECK(kept({"/u/;|c;", "/u/;|d;"}) == "++");
  }
  SUBCASE("all that have gone leave theirs") {
    memory.store.clear();
    for (const char* key : {"/u/;|a;", "/u/;|b;"}) put(key, 2);
    CHECK(kept({"/u/;|a;", "/u/;|b;"}) == "++");
  }
  SUBCASE("a smaller bound counts from then on") {
    put("/u/;|d;", 1);
    CHECK(kept({"/u/;|b;", "/u/;|c;", "/u/;|d;"}) == "--+");
  }
  SUBCASE("without a bound all are kept") {
    for (const char* key : {"/u/;|d;", "/u/;|e;"}) put(key, 0);
    CHECK(kept({"/u/;|b;", "/u/;|c;", "/u/;|d;", "/u/;|e;"}) == "++++");
  }
  SUBCASE("what makes no variants of its own is not counted") {
    for (const char* key : {"/u/;a;", "/u/;b;", "/u/;c;"}) put(key, 2);
    CHECK(kept({"/u/;a;", "/u/;b;", "/u/;c;"}) == "+++");
  }
}

TEST_CASE("memory store: a response larger than a quarter of it is not kept") {
  Memory memory(1 << 20);
  CHECK(memory.put("fits", std::string((256 << 10) - 8192, 'x')));
  CHECK_FALSE(memory.put("does not", std::string(256 << 10, 'x')));
  CHECK(memory.has("fits"));
  CHECK_FALSE(memory.put("fits", std::string(256 << 10, 'x')));
  CHECK_FALSE(memory.has("fits"));  // what it had is older than what could not be kept
}

TEST_CASE("memory store: never more than its capacity, whatever the sizes") {
  Memory memory(1 << 20);
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = random() % 10 == 0 ? random() % 60'000 : random() % 2'000;
    memory.put("key " + std::to_string(random() % 5'000), std::string(size, 'x'));
    REQUIRE(memory.store.bytes() <= memory.store.capacity());
    if (i % 7 == 0) memory.has("key " + std::to_string(random() % 5'000));
    if (i % 101 == 0) memory.store.erase("key " + std::to_string(random() % 5'000));
  }
  CHECK(memory.store.bytes() > memory.store.capacity() * 9 / 10);
}

#ifndef LARDER_SANITIZED
/// Bytes in use of both heaps: entries have one of their own.
std::size_t allocated() {
  const auto common = mallinfo2();
  return common.uordblks + common.hblkhd + boost::container::dlmalloc_allocated_memory();
}

TEST_CASE("memory store: the allocator takes what is accounted for, within 5 %") {
  for (const std::size_t size : {0, 100, 1'000, 20'000, 200'000}) {
    CAPTURE(size);
    constexpr std::uint64_t capacity = 16 << 20;
    Memory memory(capacity);
    const std::size_t before = allocated();
    const std::size_t entries = 2 * capacity / (size + 400);
    for (std::size_t i = 0; i < entries; ++i)
      memory.put("GET https://example.org/api/example-job-applications/?page=" +
                     std::to_string(100'000 + i),
                 std::string(size, 'x'));
    const std::size_t taken = allocated() - before;
    const double per_entry = static_cast<double>(taken) / static_cast<double>(memory.store.count());
    MESSAGE("content " << size << ": " << memory.store.count() << " entries, " << per_entry
                       << " bytes each, " << 100.0 * static_cast<double>(taken) / capacity
                       << " % of the capacity");
    CHECK(taken < capacity * 105 / 100);
    CHECK(taken > capacity * 90 / 100);
  }
}
#endif

/// The measure: the oldest use goes first.
class LeastRecentlyUsed {
 public:
  explicit LeastRecentlyUsed(std::size_t capacity) : capacity_(capacity) {}
  bool access(int key) {
    const auto found = places_.find(key);
    if (found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return true;
    }
    order_.push_front(key);
    places_[key] = order_.begin();
    if (order_.size() > capacity_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    return false;
  }

 private:
  std::size_t capacity_;
  std::list<int> order_;
  std::unordered_map<int, std::list<int>::iterator> places_;
};

struct HitRatios {
  double sieve = 0;
  double least_recently_used = 0;
};

/// `scan_every`: after so many requests comes a scan over `scan_length` URLs nobody asks for again.
HitRatios simulate(double skew, int scan_every, int scan_length) {
  constexpr int urls = 20'000;
  constexpr int requests = 200'000;
  constexpr std::size_t kept = 1'000;
  std::vector<double> weights;
  for (int i = 1; i <= urls; ++i) weights.push_back(std::pow(i, -skew));
  std::discrete_distribution<int> zipf(weights.begin(), weights.end());
  std::mt19937 random(7);

  Memory probe;
  const auto key = [](int url) { return "GET /" + std::to_string(10'000'000 + url); };
  probe.put(key(0));
  Memory memory(probe.store.bytes() * kept);
  LeastRecentlyUsed lru(kept);
  int hits = 0;
  int lru_hits = 0;
  int asked = 0;
  const auto ask = [&](int url) {
    ++asked;
    if (memory.has(key(url)))
      ++hits;
    else
      memory.put(key(url));
    lru_hits += lru.access(url) ? 1 : 0;
  };
  int scanned = urls;
  for (int i = 1; i <= requests; ++i) {
    ask(zipf(random));
    if (scan_every != 0 && i % scan_every == 0)
      for (int j = 0; j < scan_length; ++j) ask(++scanned);
  }
  return {100.0 * hits / asked, 100.0 * lru_hits / asked};
}

TEST_CASE("memory store: keeps what is asked for, also through scans, better than LRU") {
  struct Case {
    const char* name;
    double skew;
    int scan_every;
    int scan_length;
  };
  const Case cases[] = {
      {"Zipf 0.8", 0.8, 0, 0},
      {"Zipf 1.0", 1.0, 0, 0},
      {"Zipf 1.0, scans of 1,000 each 5,000 requests", 1.0, 5'000, 1'000},
      {"Zipf 1.0, scans of 5,000 each 10,000 requests", 1.0, 10'000, 5'000},
  };
  for (const Case& c : cases) {
    const HitRatios ratios = simulate(c.skew, c.scan_every, c.scan_length);
    MESSAGE(std::string(c.name) << ": SIEVE " << ratios.sieve << " %, LRU "
                                << ratios.least_recently_used << " %");
    CHECK_MESSAGE(ratios.sieve > ratios.least_recently_used, c.name);
  }
}

TEST_SUITE_BEGIN("concurrent");

TEST_CASE("memory store: hits, puts, erasures and evictions at once") {
  Memory memory(256 << 10);
  std::atomic<bool> begin{false};
  std::atomic<unsigned> hits{0};
  std::atomic<unsigned> wrong{0};
  std::atomic<unsigned> stale{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      const std::string tag = "p:/" + std::to_string(seed);  // written by this thread alone
      while (!begin) std::this_thread::yield();
      for (int i = 0; i < 10'000; ++i) {
        const std::string key = "key " + std::to_string(random() % 400);
        const unsigned action = random() % 100;
        if (action < 70) {
          const std::optional<MemoryStore::Found> found = memory.store.find(key, start);
          if (!found) continue;
          ++hits;
          if (!found->response->content.view().starts_with(key + "|")) ++wrong;
        } else if (action < 90) {
          memory.put(key, key + "|" + std::string(random() % 2'000, 'x'));
        } else if (action < 95) {
          memory.store.erase(key);
        } else {
          // What this thread puts and evicts is gone for this thread at once.
          const std::string own = "own " + std::to_string(seed);
          memory.store.put(own, *make_response("x"), memory.guard({tag.c_str()}), {}, later);
          memory.local.evict(tag);
          if (memory.has(own)) ++stale;
        }
        if (memory.store.bytes() > memory.store.capacity() + 4 * 4'000) ++wrong;
        if (i % 3'000 == 0 && seed == 0) memory.store.clear();
      }
    });
  }
  begin = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(stale == 0);
  CHECK(hits > 0);
  memory.store.clear();
  CHECK(memory.store.bytes() == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace larder::store
