#include "store/witness.hpp"

#include <doctest/doctest.h>

namespace larder::store {
namespace {

using namespace std::chrono_literals;
using Event = LeaseMessage::Event;

const SteadyClock::time_point start = SteadyClock::time_point(1h);

std::string holder(std::size_t number) {
  std::string text = std::to_string(number);
  return text.insert(0, 16 - text.size(), '0');
}

LeaseMessage message(Event event, std::size_t of, std::chrono::milliseconds time,
                     std::vector<std::string> tags) {
  for (std::string& tag : tags) tag.insert(0, "larder:1:s:");
  return {event, holder(of), time, std::move(tags)};
}

TEST_CASE("Witness: what lapses, and when") {
  struct Heard {
    std::chrono::milliseconds at;
    LeaseMessage message;
  };
  struct Case {
    const char* name;
    std::vector<Heard> heard;
    std::chrono::milliseconds now;
    policy::Tags lapsed;
  };
  const LeaseMessage taken = message(Event::taken, 1, 100ms, {"p:/a", "b:/"});
  const Case cases[] = {
      {"nothing was heard", {}, 1h, {}},
      {"not yet", {{0ms, taken}}, 99ms, {}},
      {"not ended in time", {{0ms, taken}}, 100ms, {"b:/", "p:/a"}},
      {"from when it was heard", {{50ms, taken}}, 149ms, {}},
      {"ended", {{0ms, taken}, {10ms, message(Event::ended, 1, 0ms, {"p:/a", "b:/"})}}, 1h, {}},
      {"renewed",
       {{0ms, taken}, {90ms, message(Event::renewed, 1, 100ms, {"p:/a", "b:/"})}},
       189ms,
       {}},
      {"renewed, and then no more",
       {{0ms, taken}, {90ms, message(Event::renewed, 1, 100ms, {"p:/a", "b:/"})}},
       190ms,
       {"b:/", "p:/a"}},
      {"renewed, which is the first that was heard of it",
       {{0ms, message(Event::renewed, 1, 100ms, {"p:/a"})}},
       100ms,
       {"p:/a"}},
      {"another's end does not end it",
       {{0ms, taken}, {10ms, message(Event::ended, 2, 0ms, {"p:/a"})}},
       100ms,
       {"b:/", "p:/a"}},
      {"two at once, a tag of both told once",
       {{0ms, taken}, {0ms, message(Event::taken, 2, 100ms, {"p:/a", "p:/c"})}},
       100ms,
       {"b:/", "p:/a", "p:/c"}},
      {"everything, whichever run of Redis it was stamped for",
       {{0ms, message(Event::taken, 1, 100ms, {"e:0123456789abcdef"})}},
       100ms,
       {"e:"}},
      {"of a partition of a cluster",
       {{0ms, {Event::taken, holder(1), 100ms, {"larder:1:{5}:s:p:/a"}}}},
       100ms,
       {"p:/a"}},
      {"a key that is no stamp's",
       {{0ms,
         {Event::taken,
          holder(1),
          100ms,
          {"other:1:s:p:/a", "larder:1:v:k", "larder:1:{5", "larder:1:"}}}},
       100ms,
       {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Witness witness;
    for (const Heard& heard : c.heard) witness.hear(heard.message, start + heard.at);
    CHECK(witness.take_lapsed(start + c.now) == c.lapsed);
    CHECK(witness.take_lapsed(start + c.now).empty());
  }
}

TEST_CASE("Witness: when to look again") {
  Witness witness;
  CHECK_FALSE(witness.next());
  witness.hear(message(Event::taken, 1, 300ms, {"p:/a"}), start);
  witness.hear(message(Event::taken, 2, 200ms, {"p:/b"}), start);
  CHECK(witness.next() == start + 200ms);
  witness.hear(message(Event::ended, 2, 0ms, {"p:/b"}), start);
  CHECK(witness.next() == start + 300ms);
  CHECK(witness.take_lapsed(start + 300ms) == policy::Tags{"p:/a"});
  CHECK_FALSE(witness.next());
}

TEST_CASE("Witness: more than can be remembered is one lease on everything, until the last ends") {
  Witness witness;
  for (std::size_t i = 0; i < Witness::limit; ++i)
    witness.hear(message(Event::taken, i, i == 7 ? 300ms : 100ms, {"p:/" + std::to_string(i)}),
                 start);
  CHECK(witness.next() == start + 100ms);
  witness.hear(message(Event::taken, Witness::limit, 100ms, {"p:/one more"}), start);
  CHECK(witness.take_lapsed(start + 299ms).empty());
  CHECK(witness.take_lapsed(start + 300ms) == policy::Tags{"e:"});
  CHECK_FALSE(witness.next());
}

}  // namespace
}  // namespace larder::store
