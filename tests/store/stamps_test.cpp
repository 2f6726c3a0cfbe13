#include "store/stamps.hpp"

#include <set>

#include <doctest/doctest.h>

#include "store/local_stamps.hpp"
#include "store/pending_evictions.hpp"
#include "store/state_log.hpp"

namespace larder::store {
namespace {

using namespace std::chrono_literals;

TEST_CASE("stamps: their text form") {
  CHECK(format_stamp(0x0123456789abcdef) == "0123456789abcdef");
  CHECK(format_stamp(1) == "0000000000000001");
  CHECK(parse_stamp("0123456789abcdef") == 0x0123456789abcdef);
  CHECK(parse_stamp("ffffffffffffffff") == ~Stamp{0});
  for (const std::string_view text :
       {"", "0", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg",
        " 123456789abcdef", "0000000000000000"})
    CHECK_MESSAGE(parse_stamp(text) == 0, text);
}

TEST_CASE("stamps: no other character stands for a digit") {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t place = 0; place < stamp_digits; ++place)
    for (int character = 0; character < 256; ++character) {
      std::string text(digits);
      text[place] = static_cast<char>(character);
      const std::size_t value = digits.find(text[place]);
      CAPTURE(text);
      if (value == std::string_view::npos)
        CHECK(parse_stamp(text) == 0);
      else
        CHECK(format_stamp(parse_stamp(text)) == text);
    }
}

TEST_CASE("stamps: their text form with leases") {
  const std::string stamp = "0123456789abcdef";
  CHECK_FALSE(is_leased(stamp));
  for (const std::string leases :
       {" 89abcdef01234567:1", " 89abcdef01234567:1732394830123 0000000000000000:12"}) {
    CAPTURE(leases);
    CHECK(parse_stamp(stamp + leases) == 0x0123456789abcdef);
    CHECK(is_leased(stamp + leases));
  }
  for (const std::string no_leases :
       {" ", " 89abcdef01234567", " 89abcdef01234567:", " 89abcdef01234567:1 ",
        " 89abcdef01234567:1x", "89abcdef01234567:1", " 89ABCDEF01234567:1", " 89abcdef0123456:1",
        " 89abcdef012345678:1", " 89abcdef01234567:1  89abcdef01234567:1"}) {
    CAPTURE(no_leases);
    CHECK(parse_stamp(stamp + no_leases) == 0);
    CHECK_FALSE(is_leased(stamp + no_leases));
  }
}

TEST_CASE("stamps: random, and never zero") {
  std::set<Stamp> stamps;
  for (int i = 0; i < 1000; ++i) stamps.insert(make_stamp());
  CHECK(stamps.size() == 1000);
  CHECK(stamps.count(0) == 0);
}

TEST_CASE("stamps: that of everything says for which history of Redis it was made") {
  for (int i = 0; i < 1'000; ++i) {
    const Stamp stamp = make_stamp_of(7);
    CHECK(is_stamp_of(stamp, 7));
    CHECK_FALSE(is_stamp_of(stamp, 9));
    CHECK(is_stamp_of(stamp, 0));
    CHECK((stamp >> 32) != 0);
    CHECK(make_stamp_of(0) != 0);
  }
  CHECK(make_stamp_of(7) != make_stamp_of(7));
}

TEST_CASE("stamps: which tags guard a response") {
  const policy::Tags tags = stamped_tags({"R", "/api/models/"});
  CHECK(tags == policy::Tags{"e:", "n:", "p:/api/models", "r:R", "b:/api", "b:/"});
  CHECK(stamped_tags({"R", "*"}).empty());

  CHECK(kept_stamps({1, 2, 3, 4}, {8, 9}) == Stamps{1, 3, 4, 8, 9});
  CHECK(kept_stamps({}, {8}).empty());

  CHECK(is_complete({1, 2, 3}));
  CHECK_FALSE(is_complete({1, 0, 3}));
  CHECK_FALSE(is_complete({1, 2}));
  CHECK_FALSE(is_complete({}));

  CHECK(with_named_tag({"p:/a", "b:/a", "r:R", "e:"}) == policy::Tags{"p:/a", "b:/a", "r:R", "e:"});
  CHECK(with_named_tag({"p:/a", "models"}) == policy::Tags{"n:", "p:/a", "models"});
}

TEST_CASE("standing_of: what has become of a response, by its stamps") {
  constexpr Stamp soft = Stamp{1} << (64 - soft_bits);
  struct Case {
    const char* name;
    Stamps kept;
    Stamps current;
    Standing expected;
  };
  const Case cases[] = {
      {"all are as they were", {1, 2, 3}, {1, 2, 3}, Standing::current},
      {"one was softened", {1, 2, 3}, {1, 2 + soft, 3}, Standing::softened},
      {"and another evicted", {1, 2, 3}, {1, 2 + soft, 4}, Standing::evicted},
      {"one was evicted and softened", {1, 2, 3}, {1, 4 + soft, 3}, Standing::evicted},
      {"one is missing", {1, 2, 3}, {1, 0, 3}, Standing::evicted},
      {"one is missing that had no hard part", {1, soft, 3}, {1, 0, 3}, Standing::evicted},
      {"that of everything has no soft part", {1, 2, 3}, {1 + soft, 2, 3}, Standing::evicted},
      {"fewer", {1, 2, 3}, {1, 2}, Standing::evicted},
      {"none were kept", {}, {1}, Standing::evicted},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(standing_of(c.kept, c.current) == c.expected);
    if (c.current.empty()) continue;
    // The same, from a resource's stamps, `named_tag`'s among them, and a response's own.
    Stamps of_resource = c.current;
    of_resource.insert(of_resource.begin() + 1, 99);
    CHECK(standing_of(c.kept, of_resource, {}) == c.expected);
    Stamps own{of_resource.back()};
    of_resource.pop_back();
    CHECK(standing_of(c.kept, of_resource, own) == c.expected);
  }
}

TEST_CASE("local stamps: softening changes nothing that an eviction changes") {
  LocalStamps local;
  const Stamp before = local.current(policy::Tags{"p:/a"})[0];
  local.soften({"p:/a"});
  const Stamp softened = local.current(policy::Tags{"p:/a"})[0];
  CHECK(softened != before);
  CHECK(LocalStamps::differ_softly(softened, before));
  local.evict("p:/a");
  CHECK_FALSE(LocalStamps::differ_softly(local.current(policy::Tags{"p:/a"})[0], before));
}

TEST_CASE("local stamps: evicting a tag changes its stamp and, but for collisions, no other") {
  LocalStamps local;
  const policy::Tags tags = {"p:/a", "p:/b"};
  const Stamps before = local.current(tags);
  local.evict("p:/a");
  const Stamps after = local.current(tags);
  CHECK(before[0] != after[0]);
  CHECK(before[1] == after[1]);
  CHECK(after[0] != 0);

  const LocalStamps another;
  CHECK(another.current(tags) != before);
}

TEST_CASE("pending evictions: stay until they are delivered") {
  PendingEvictions pending;
  CHECK_FALSE(pending.any());
  CHECK(pending.some().tags.empty());
  pending.add({"p:/a", "p:/b"});
  CHECK(pending.any());
  const PendingEvictions::Batch batch = pending.some();
  CHECK(batch.tags == policy::Tags{"p:/a", "p:/b"});
  CHECK(pending.any());
  pending.delivered(batch);
  CHECK_FALSE(pending.any());
}

TEST_CASE("pending evictions: one that came again while it was delivered stays") {
  PendingEvictions pending;
  pending.add({"p:/a", "p:/b"});
  const PendingEvictions::Batch batch = pending.some();
  pending.add({"p:/b"});
  pending.delivered(batch);
  CHECK(pending.any());
  CHECK(pending.some().tags == policy::Tags{"p:/b"});
}

TEST_CASE("pending evictions: too many become all, and all are delivered in batches") {
  PendingEvictions pending;
  for (std::size_t i = 0; i < PendingEvictions::limit; ++i)
    pending.add({"p:/" + std::to_string(i)});
  std::size_t delivered = 0;
  SUBCASE("at the limit") {
    while (pending.any()) {
      const PendingEvictions::Batch batch = pending.some();
      delivered += batch.tags.size();
      pending.delivered(batch);
    }
    CHECK(delivered == PendingEvictions::limit);
  }
  SUBCASE("one beyond it") {
    pending.add({"p:/one-more"});
    CHECK(pending.some().tags == policy::Tags{std::string(everything_tag)});
  }
}

TEST_CASE("state log: says news once, whoever brings it, and not without end") {
  StateLog log;
  const SteadyClock::time_point start{};
  CHECK(log.is_news("redis", "lost", start));
  CHECK_FALSE(log.is_news("redis", "lost", start + 5min));
  CHECK(log.is_news("redis", "back", start));
  CHECK(log.is_news("memory", "lost", start));
  log.forget("redis");
  CHECK(log.is_news("redis", "back", start));

  int said = 0;
  for (int i = 0; i < 1000; ++i) said += log.is_news("flapping", std::to_string(i), start) ? 1 : 0;
  CHECK(said == StateLog::lines_per_minute);
  CHECK(log.is_news("flapping", "a minute later", start + 1min));
}

}  // namespace
}  // namespace larder::store
