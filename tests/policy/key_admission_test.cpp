#include "policy/key_admission.hpp"

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

const SystemSeconds noon{std::chrono::hours(500'000)};

TEST_CASE("decide_key_admission") {
  struct Case {
    const char* name;
    AdmissionFacts facts;
    Detail expected;
  };
  const Case cases[] = {
      {"by default at once", {}, Detail::none},
      {"after 2: not the first", {.after = 2, .misses = 1}, Detail::not_admitted_yet},
      {"after 2: the second", {.after = 2, .misses = 2}, Detail::none},
      {"after 5: not the fourth", {.after = 5, .misses = 4}, Detail::not_admitted_yet},
      {"after 5: the fifth", {.after = 5, .misses = 5}, Detail::none},
      {"as many variants as the cap",
       {.variants = 10, .has_query = true, .misses = 1, .asked = 10},
       Detail::none},
      {"one beyond the cap",
       {.variants = 10, .has_query = true, .misses = 1, .asked = 11},
       Detail::too_many_variants},
      {"beyond the cap, and asked for again",
       {.variants = 10, .has_query = true, .misses = 2, .asked = 11},
       Detail::none},
      {"beyond the cap, without a query",
       {.variants = 10, .has_query = false, .misses = 1, .asked = 11},
       Detail::none},
      {"no cap", {.variants = 0, .has_query = true, .misses = 1, .asked = 11}, Detail::none},
      {"beyond the cap, after 3",
       {.after = 3, .variants = 10, .has_query = true, .misses = 2, .asked = 11},
       Detail::not_admitted_yet},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(decide_key_admission(c.facts) == c.expected);
  }
}

/// As spread as a real one.
std::uint64_t hash(std::uint64_t i) {
  return (i + 1) * 0xD6E8FEB86659FD93;
}

TEST_CASE("RecentKeys: counts each key, for an hour at least and two at most") {
  RecentKeys keys(12345);
  CHECK(keys.note(hash(1), noon) == 1);
  CHECK(keys.note(hash(1), noon) == 2);
  CHECK(keys.note(hash(2), noon) == 1);
  CHECK(keys.note(hash(1), noon + 3599s) == 3);
  CHECK(keys.note(hash(1), noon + 7199s) == 4);
  CHECK(keys.note(hash(1), noon + 7199s + 2h) == 1);
  CHECK(keys.note(hash(2), noon + 2h) == 1);
  for (unsigned i = 0; i < 2 * RecentKeys::most; ++i) static_cast<void>(keys.note(hash(3), noon));
  CHECK(keys.note(hash(3), noon) == RecentKeys::most);
}

TEST_CASE("RecentKeys: what is displaced is new again, and nothing is known that was not noted") {
  RecentKeys keys(0x9E3779B97F4A7C15);
  unsigned known = 0;
  for (std::uint64_t i = 0; i < 4 * RecentKeys::size; ++i)
    known += keys.note(hash(i), noon) > 1 ? 1 : 0;
  CHECK(known == 0);
  unsigned kept = 0;
  for (std::uint64_t i = 4 * RecentKeys::size; i-- > 4 * RecentKeys::size - 1'000;)
    kept += keys.note(hash(i), noon) == 2 ? 1 : 0;
  CHECK(kept > 950);
}

TEST_CASE("QueryVariants: those of this window or of the one before, whichever were more") {
  QueryVariants variants;
  CHECK(variants.count(noon) == 0);
  for (int i = 0; i < 5; ++i) variants.note_new(noon + 3599s);
  CHECK(variants.count(noon + 3599s) == 5);
  CHECK(variants.count(noon + 1h) == 5);
  variants.note_new(noon + 1h);
  CHECK(variants.count(noon + 1h) == 5);
  CHECK(variants.count(noon + 2h) == 1);
  CHECK(variants.count(noon + 3h) == 0);
  variants.note_new(noon + 5h);
  CHECK(variants.count(noon + 5h) == 1);
}

}  // namespace
}  // namespace larder::policy
