#include "session/admission.hpp"

#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <doctest/doctest.h>

namespace larder::session {
namespace {

using namespace std::chrono_literals;

/// One who asks for a place on an io_context of its own.
struct Asking {
  void ask(Admission& admission, Admission::HasLeft has_left = {}) {
    asio::co_spawn(io, admission.admit(io.get_executor(), std::move(has_left)),
                   [this](const std::exception_ptr&, Admission::Admitted admitted) {
                     answer.emplace(std::move(admitted));
                   });
    io.poll();
  }
  /// Until it has been answered.
  void wait() {
    io.restart();
    io.run_for(5s);
    REQUIRE(answer);
  }
  [[nodiscard]] bool has_place() const { return answer && std::holds_alternative<Place>(*answer); }
  [[nodiscard]] FetchFailure failure() const { return std::get<FetchFailure>(*answer); }
  void give_back() { answer.reset(); }

  asio::io_context io{1};
  std::optional<Admission::Admitted> answer;
};

TEST_CASE("Admission: as many as the limit says, then first come, first served") {
  Admission admission(2, 10, 10s);
  Asking a, b, c, d;
  a.ask(admission);
  b.ask(admission);
  CHECK((a.has_place() && b.has_place()));
  c.ask(admission);
  d.ask(admission);
  CHECK_FALSE((c.answer || d.answer));
  CHECK(admission.status().waiting == 2);
  b.give_back();
  c.wait();
  CHECK(c.has_place());
  CHECK_FALSE(d.answer);
  a.give_back();
  d.wait();
  CHECK(d.has_place());
  CHECK(admission.status().in_flight == 2);
  c.give_back();
  d.give_back();
  CHECK(admission.status().in_flight == 0);
}

TEST_CASE("Admission: zero is no limit") {
  Admission admission(0, 0, 10s);
  std::vector<Asking> all(50);
  for (Asking& one : all) {
    one.ask(admission);
    CHECK(one.has_place());
  }
}

TEST_CASE("Admission: the queue is bounded") {
  Admission admission(1, 1, 10s);
  Asking a, b, c;
  a.ask(admission);
  b.ask(admission);
  c.ask(admission);
  REQUIRE(c.answer);
  CHECK(c.failure() == FetchFailure::queue_full);
  CHECK(admission.status().refused == 1);
  a.give_back();
  b.wait();
  CHECK(b.has_place());
}

TEST_CASE("Admission: nobody waits for longer than the deadline") {
  Admission admission(1, 5, 50ms);
  Asking a, b, c;
  a.ask(admission);
  b.ask(admission);
  b.wait();
  CHECK(b.failure() == FetchFailure::queue_timed_out);
  CHECK(admission.status().waiting == 0);
  CHECK(admission.status().timed_out == 1);
  a.give_back();
  c.ask(admission);
  CHECK(c.has_place());
}

TEST_CASE("Admission: whoever goes away leaves the queue") {
  Admission admission(1, 5, 10s);
  Asking a, b, c;
  bool left = false;
  a.ask(admission);
  b.ask(admission, [&left] { return left; });
  c.ask(admission);
  left = true;
  b.wait();
  CHECK(b.failure() == FetchFailure::left_queue);
  a.give_back();
  c.wait();
  CHECK(c.has_place());
}

TEST_CASE("Admission: who is destroyed while waiting, or before taking its place, holds none") {
  Admission admission(1, 5, 10s);
  Asking a, d;
  {
    Asking b, c;
    a.ask(admission);
    b.ask(admission);
    c.ask(admission);
    d.ask(admission);
    a.give_back();  // b has a place now, and never hears of it
    CHECK(admission.status().in_flight == 1);
  }
  d.wait();
  CHECK(d.has_place());
  d.give_back();
  CHECK(admission.status().in_flight == 0);
  CHECK(admission.status().waiting == 0);
}

TEST_SUITE("concurrent") {
  TEST_CASE("Admission: never more than the limit, and nobody is forgotten") {
    constexpr unsigned limit = 3;
    constexpr int rounds = 200;
    Admission admission(limit, 1000, 30s);
    std::atomic<unsigned> inside{0};
    std::atomic<unsigned> most{0};
    std::atomic<int> served{0};
    const auto ask_again = [&](asio::io_context& io) -> awaitable<void> {
      for (int round = 0; round < rounds; ++round) {
        Admission::Admitted admitted = co_await admission.admit(io.get_executor(), {});
        REQUIRE(std::holds_alternative<Place>(admitted));
        const unsigned now = ++inside;
        for (unsigned seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --inside;
        ++served;
      }
    };
    constexpr int threads = 3;
    constexpr int coroutines = 4;
    std::vector<std::thread> running;
    running.reserve(threads);
    for (int i = 0; i < threads; ++i)
      running.emplace_back([&] {
        asio::io_context io{1};
        for (int j = 0; j < coroutines; ++j)
          asio::co_spawn(io, ask_again(io), [](const std::exception_ptr& thrown) {
            if (thrown) std::rethrow_exception(thrown);
          });
        // A place may be given to a thread that has nothing else to do.
        const auto stay = asio::make_work_guard(io);
        while (served < threads * coroutines * rounds) io.run_for(10ms);
      });
    for (std::thread& thread : running) thread.join();
    CHECK(most <= limit);
    CHECK(served == threads * coroutines * rounds);
    CHECK(admission.status().in_flight == 0);
  }
}

}  // namespace
}  // namespace larder::session
