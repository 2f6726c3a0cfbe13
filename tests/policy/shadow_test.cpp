#include "policy/shadow.hpp"

#include <utility>

#include <doctest/doctest.h>

#include "policy/confidence.hpp"
#include "policy/path_shape.hpp"
#include "policy/shadow_verdict.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t resource = 11;
constexpr std::uint64_t alice = 1;
constexpr std::uint64_t bob = 2;
constexpr std::uint64_t carol = 3;

/// Plays a day: each call a second after the one before.
class Day {
 public:
  Day& get(std::uint64_t content, std::uint64_t user = 0, std::uint64_t key = 100) {
    now_ += 1s;
    const std::uint64_t tags[] = {resource};
    shadow_.note(ShadowAnswer{.key = key,
                              .user = user,
                              .content = content,
                              .tags = tags,
                              .asked = now_,
                              .answered = now_ + 10ms,
                              .lifetime = 60s,
                              .target = "/api/models/"});
    return *this;
  }
  Day& get_unstored(Detail obstacle) {
    now_ += 1s;
    shadow_.note(ShadowAnswer{.key = 100,
                              .content = 7,
                              .asked = now_,
                              .answered = now_ + 10ms,
                              .lifetime = 60s,
                              .obstacle = obstacle});
    return *this;
  }
  Day& get_error() {
    now_ += 1s;
    shadow_.note(ShadowAnswer{.key = 100,
                              .asked = now_,
                              .answered = now_ + 10ms,
                              .obstacle = Detail::status_not_stored,
                              .is_comparable = false});
    return *this;
  }
  Day& write(std::string_view shape, bool evicts) {
    now_ += 1s;
    const std::uint64_t tags[] = {resource};
    shadow_.note(ShadowWrite{.tags = std::span(tags).first(evicts ? 1 : 0),
                             .method = "POST",
                             .shape = shape,
                             .answered = now_});
    return *this;
  }
  Day& wait(std::chrono::seconds time) {
    now_ += time;
    return *this;
  }
  /// A GET during which a write is answered.
  Day& get_across_a_write(std::uint64_t content) {
    now_ += 1s;
    const std::uint64_t tags[] = {resource};
    shadow_.note(
        ShadowWrite{.tags = {}, .method = "PUT", .shape = "/other/", .answered = now_ + 5ms});
    shadow_.note(ShadowAnswer{.key = 100,
                              .content = content,
                              .tags = tags,
                              .asked = now_,
                              .answered = now_ + 10ms,
                              .lifetime = 60s});
    return *this;
  }
  [[nodiscard]] ShadowReport report() const { return shadow_.report(); }

 private:
  Shadow shadow_{12345};
  Moment now_{1'000'000s};
};

TEST_CASE("Shadow: what a day comes to") {
  struct Case {
    const char* name;
    Day day;
    std::uint64_t hits, misses, stale, differ, undecided, noticed, unseen;
  };
  const Case cases[] = {
      {"the first is a miss", Day().get(1), 0, 1, 0, 0, 0, 0, 0},
      {"then hits", Day().get(1).get(1).get(1), 2, 1, 0, 0, 0, 0, 0},
      {"beyond the lifetime a miss", Day().get(1).wait(60s).get(1), 0, 2, 0, 0, 0, 0, 0},
      {"a change beyond the lifetime is none of ours", Day().get(1).wait(60s).get(2), 0, 2, 0, 0, 0,
       0, 0},
      {"a change that nobody told of", Day().get(1).get(2), 1, 1, 1, 0, 0, 0, 1},
      {"which stays old until the lifetime ends", Day().get(1).get(2).get(2), 2, 1, 2, 0, 0, 0, 1},
      {"a change that an eviction told of", Day().get(1).write("/a/", true).get(2), 0, 2, 0, 0, 0,
       1, 0},
      {"an eviction without a change", Day().get(1).write("/a/", true).get(1), 0, 2, 0, 0, 0, 0, 0},
      {"a write that evicts something else", Day().get(1).write("/a/", false).get(2), 1, 1, 1, 0, 0,
       0, 1},
      {"a write in between is not judged", Day().get(1).get_across_a_write(2), 1, 1, 0, 0, 0, 0, 0},
      {"the same for two users", Day().get(1, alice).get(1, bob), 1, 1, 0, 0, 0, 0, 0},
      {"something else for another user: who knows", Day().get(1, alice).get(2, bob), 1, 1, 0, 0, 1,
       0, 0},
      {"the first user still gets the old one: users differ",
       Day().get(1, alice).get(2, bob).get(1, alice), 2, 1, 0, 1, 0, 0, 0},
      {"the first user gets the new one too: a change",
       Day().get(1, alice).get(2, bob).get(2, alice), 2, 1, 2, 0, 0, 0, 1},
      {"a third user gets the new one too: a change", Day().get(1, alice).get(2, bob).get(2, carol),
       2, 1, 2, 0, 0, 0, 1},
      {"a third user gets a third: users differ", Day().get(1, alice).get(2, bob).get(3, carol), 2,
       1, 0, 2, 0, 0, 0},
      {"one who had the same gets another: a change", Day().get(1, alice).get(1, bob).get(2, bob),
       2, 1, 1, 0, 0, 0, 1},
      {"it stays in doubt when what is stored ends",
       Day().get(1, alice).get(2, bob).wait(60s).get(2), 1, 2, 0, 0, 1, 0, 0},
      {"an error where something is stored says nothing of it", Day().get(1).get_error().get(1), 2,
       1, 0, 0, 0, 0, 0},
      {"what would not be stored is never found",
       Day().get_unstored(Detail::set_cookie).get_unstored(Detail::set_cookie), 0, 2, 0, 0, 0, 0,
       0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ShadowReport report = c.day.report();
    CHECK(report.hits == c.hits);
    CHECK(report.misses == c.misses);
    CHECK(report.stale_hits == c.stale);
    CHECK(report.users_differ == c.differ);
    CHECK(report.undecided == c.undecided);
    CHECK(report.changes_noticed == c.noticed);
    CHECK(report.changes_unseen == c.unseen);
  }
}

TEST_CASE("Shadow: for whom it would have been stale") {
  const auto of = [](const Day& day) {
    const ShadowReport report = day.report();
    return std::pair(report.stale_hits, report.stale_with_credentials);
  };
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  CHECK(of(Day().get(1).get(2).get(2)) == Counts{2, 0});
  CHECK(of(Day().get(1, alice).get(2, alice)) == Counts{1, 1});
  // The doubt about Bob's ends with an anonymous request.
  CHECK(of(Day().get(1).get(2, bob).get(2)) == Counts{2, 1});
  CHECK(of(Day().get(1, alice).get(2, bob).get(2, carol)) == Counts{2, 2});
}

TEST_CASE("Shadow: the write that came before an unseen change is named") {
  Day day;
  for (int i = 0; i < 5; ++i) day.get(1).write("/api/notices/", true).get(1);
  day.wait(60s);
  for (std::uint64_t i = 0; i < 4; ++i)
    day.get(i).write("/admin/ai/aimodel/<int>/change/", false).get(i + 1).wait(60s);
  const ShadowReport report = day.report();
  CHECK(report.changes_unseen == 4);
  REQUIRE(!report.suspects.empty());
  CHECK(report.suspects.front() == Suspect{"POST", "/admin/ai/aimodel/<int>/change/", 4, 4});
  CHECK(report.stale_example == "/api/models/");
}

TEST_CASE("Shadow: hits that were verified are counted by what was found") {
  using Finding = VerifiedHit::Finding;
  Shadow shadow(12345, true);
  Moment now{1'000'000s};
  const std::uint64_t tags[] = {resource};
  const std::uint64_t others[] = {12};
  const auto verify = [&](Finding finding, Detail obstacle = Detail::none) {
    now += 1s;
    const Moment stored = now;
    now += 9s;
    return shadow.note(VerifiedHit{.finding = finding,
                                   .tags = tags,
                                   .stored = stored,
                                   .asked = now,
                                   .answered = now + 10ms,
                                   .obstacle = obstacle,
                                   .target = "/api/models/"});
  };
  const auto write = [&](std::string_view shape, std::span<const std::uint64_t> evicted) {
    now += 1s;
    shadow.note(ShadowWrite{.tags = evicted, .method = "POST", .shape = shape, .answered = now});
  };
  CHECK_FALSE(verify(Finding::same, Detail::set_cookie));
  CHECK_FALSE(verify(Finding::not_judged));
  CHECK_FALSE(verify(Finding::users_differ));
  write("/before/", others);
  CHECK_FALSE(verify(Finding::changed));
  const ShadowReport so_far = shadow.report();
  CHECK(so_far.is_live);
  CHECK(so_far.requests == 4);
  CHECK(so_far.hits == 4);
  CHECK(so_far.misses == 0);
  CHECK(so_far.stale_hits == 1);
  CHECK(so_far.changes_unseen == 1);
  CHECK(so_far.users_differ == 1);
  CHECK(so_far.not_judged == 1);
  CHECK(so_far.refused.at(Detail::set_cookie) == 1);
  CHECK(so_far.observed == 31s + 10ms);
}

TEST_CASE("Shadow: of a verified change that write is named which evicted nothing of it") {
  Shadow shadow(12345, true);
  const Moment stored{1'000'000s};
  const std::uint64_t tags[] = {resource};
  const std::uint64_t others[] = {12};
  const auto write = [&](std::string_view shape, std::chrono::seconds later,
                         std::span<const std::uint64_t> evicted) {
    shadow.note(
        ShadowWrite{.tags = evicted, .method = "POST", .shape = shape, .answered = stored + later});
  };
  write("/earlier/", -1s, {});
  write("/evicts/", 1s, tags);
  write("/admin/<int>/", 2s, others);
  write("/later/", 9s, {});
  const std::optional<Suspect> suspect =
      shadow.note(VerifiedHit{.finding = VerifiedHit::Finding::changed,
                              .tags = tags,
                              .stored = stored,
                              .asked = stored + 5s,
                              .answered = stored + 6s});
  REQUIRE(suspect);
  CHECK(*suspect == Suspect{"POST", "/admin/<int>/", 1, 1});
  CHECK(shadow.report().suspects == std::vector<Suspect>{*suspect});
  CHECK(decide_verdict(shadow.report()).evict_on == std::vector<std::string>{"/admin/"});
}

TEST_CASE("Shadow: keeps no more keys than it may, and says what part it looked at") {
  Day day;
  for (std::uint64_t key = 1; key <= 3 * Shadow::most_keys; ++key)
    day.get(1, 0, key * 0x9E37'79B9'7F4A'7C15ULL);
  const ShadowReport report = day.report();
  CHECK(report.requests == 3 * Shadow::most_keys);
  CHECK(report.sampled < 0.6);
  CHECK(report.sampled > 0.1);
}

TEST_CASE("upper_bound_of_rate: Clopper and Pearson's") {
  // 1 - 0.05^(1/n) without events; the others from tables of the beta distribution.
  CHECK(upper_bound_of_rate(0, 0) == 1);
  CHECK(upper_bound_of_rate(3, 3) == 1);
  CHECK(upper_bound_of_rate(0, 10) == doctest::Approx(0.2589).epsilon(0.001));
  CHECK(upper_bound_of_rate(0, 300) == doctest::Approx(0.009936).epsilon(0.001));
  CHECK(upper_bound_of_rate(1, 10) == doctest::Approx(0.3942).epsilon(0.001));
  CHECK(upper_bound_of_rate(20'000, 40'000) == doctest::Approx(0.504).epsilon(0.01));
}

TEST_CASE("decide_verdict") {
  struct Case {
    const char* name;
    ShadowReport report;
    Verdict expected;
  };
  const Case cases[] = {
      {"nothing wrong in 300 hits", {.hits = 300, .misses = 10}, Verdict::promote},
      {"nothing wrong in 299", {.hits = 299, .misses = 10}, Verdict::too_little},
      {"nothing at all", {}, Verdict::too_little},
      {"hits that could not be judged do not count",
       {.hits = 300, .misses = 10, .not_judged = 1},
       Verdict::too_little},
      {"one user's answer for another", {.hits = 9000, .users_differ = 1}, Verdict::users_differ},
      {"an unseen change after a write",
       {.hits = 9000,
        .stale_hits = 1,
        .changes_unseen = 1,
        .suspects = {{"POST", "/admin/a/<int>/change/", 1, 3}}},
       Verdict::missing_evict},
      {"an unseen change after none",
       {.hits = 9000, .stale_hits = 1, .changes_unseen = 1},
       Verdict::changes_unseen},
      {"a write that came before few of them is not blamed",
       {.hits = 9000,
        .stale_hits = 9,
        .changes_unseen = 9,
        .suspects = {{"POST", "/admin/a/<int>/change/", 4, 4}}},
       Verdict::changes_unseen},
      {"doubts", {.hits = 9000, .undecided = 1}, Verdict::too_little},
      {"never found", {.hits = 4, .misses = 400}, Verdict::no_use},
      {"of a rule that is on, nothing wrong in 300 hits",
       {.is_live = true, .hits = 300},
       Verdict::holds},
      {"of a rule that is on, nothing wrong in 299",
       {.is_live = true, .hits = 299},
       Verdict::too_little},
      {"of a rule that is on, an unseen change",
       {.is_live = true, .hits = 300, .stale_hits = 1, .changes_unseen = 1},
       Verdict::changes_unseen},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(decide_verdict(c.report).verdict == c.expected);
    CHECK(!decide_verdict(c.report).lines.empty());
  }
  CHECK(decide_verdict(cases[5].report).evict_on == std::vector<std::string>{"/admin/a/"});
}

TEST_CASE("path_shape") {
  struct Case {
    const char* path;
    const char* shape;
  };
  const Case cases[] = {
      {"/", "/"},
      {"/api/notices/", "/api/notices/"},
      {"/api/notices/17/", "/api/notices/<int>/"},
      {"/api/notices/17", "/api/notices/<int>"},
      {"/api/v1/x", "/api/v1/x"},
      {"/a/7/b/8", "/a/<int>/b/<int>"},
      {"/a/8f14e45f-ceea-467f-9a36-dcc8a1b2c3d4/", "/a/<uuid>/"},
      {"/a/8F14E45F-ceea-467f-9a36-dcc8a1b2c3d4/", "/a/8F14E45F-ceea-467f-9a36-dcc8a1b2c3d4/"},
      {"/a//b", "/a//b"},
  };
  for (const Case& c : cases) CHECK(path_shape(c.path) == c.shape);
  CHECK(literal_prefix("/a/<int>/b/") == "/a/");
  CHECK(literal_prefix("/a/b/") == "/a/b/");
}

}  // namespace
}  // namespace larder::policy
