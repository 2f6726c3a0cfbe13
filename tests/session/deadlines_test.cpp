#include "session/deadlines.hpp"

#include <doctest/doctest.h>

#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;

class Told final : public Deadline {
 public:
  int times = 0;
  SteadyClock::time_point at;

 private:
  void on_expiry() override {
    ++times;
    at = SteadyClock::now();
  }
};

void run_until(asio::io_context& io, const std::function<bool()>& done) {
  const SteadyClock::time_point give_up = SteadyClock::now() + 5s;
  while (!done() && SteadyClock::now() < give_up) io.run_one_for(50ms);
}

TEST_CASE("a deadline is told once, not before its time") {
  asio::io_context io;
  Deadlines deadlines(io);
  Told told;
  const SteadyClock::time_point began = SteadyClock::now();
  deadlines.set(told, 60ms);
  run_until(io, [&] { return told.times > 0; });
  CHECK(told.times == 1);
  CHECK(told.is_expired());
  CHECK(told.at - began >= 60ms);
}

TEST_CASE("a deadline that moves away or is cleared is not told at its old time") {
  asio::io_context io;
  Deadlines deadlines(io);
  Told moved;
  Told cleared;
  Told marker;
  const SteadyClock::time_point began = SteadyClock::now();
  deadlines.set(moved, 20ms);
  deadlines.set(cleared, 20ms);
  deadlines.set(marker, 80ms);
  deadlines.set(moved, 200ms);
  deadlines.clear(cleared);
  run_until(io, [&] { return marker.times > 0; });
  CHECK(moved.times == 0);
  CHECK(cleared.times == 0);
  run_until(io, [&] { return moved.times > 0; });
  CHECK(moved.times == 1);
  CHECK(moved.at - began >= 200ms);
  CHECK(cleared.times == 0);
}

TEST_CASE("a deadline that moves nearer is told at its new time") {
  asio::io_context io;
  Deadlines deadlines(io);
  Told told;
  Told marker;
  deadlines.set(told, 10s);
  deadlines.set(marker, 300ms);
  deadlines.set(told, 20ms);
  run_until(io, [&] { return told.times > 0 || marker.times > 0; });
  CHECK(told.times == 1);
  CHECK(marker.times == 0);
}

TEST_CASE("a deadline that is destroyed is forgotten") {
  asio::io_context io;
  Deadlines deadlines(io);
  Told marker;
  {
    Told gone;
    deadlines.set(gone, 20ms);
  }
  deadlines.set(marker, 60ms);
  run_until(io, [&] { return marker.times > 0; });
  CHECK(marker.times == 1);
}

TEST_CASE("no timeout means none") {
  asio::io_context io;
  Deadlines deadlines(io);
  Told told;
  Told marker;
  deadlines.set(told, 20ms);
  deadlines.set(told, 0ms);
  deadlines.set(marker, 60ms);
  run_until(io, [&] { return marker.times > 0; });
  CHECK(told.times == 0);
}

}  // namespace
}  // namespace larder::session
