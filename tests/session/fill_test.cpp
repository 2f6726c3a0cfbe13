#include "session/fill.hpp"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;

policy::StoredResponsePointer make_response(std::string_view content) {
  policy::StoredResponse response;
  response.content = policy::SharedBytes::copy_of(content);
  return std::make_shared<const policy::StoredResponse>(std::move(response));
}

awaitable<std::string> read_all(asio::io_context& io, Fill& fill) {
  const auto timer = std::make_shared<Timer>(io);
  std::string content;
  while (true) {
    const Fill::Snapshot snapshot = fill.snapshot();
    for (std::string_view piece = fill.piece(content.size()); !piece.empty();
         piece = fill.piece(content.size()))
      content += piece;
    if (snapshot.state == Fill::State::whole || snapshot.state == Fill::State::complete)
      co_return content;
    if (snapshot.state == Fill::State::failed) co_return "failed after " + content;
    const bool changed = co_await fill.changed(snapshot.version, timer, 5s);
    if (!changed) co_return "nothing came";
  }
}

TEST_CASE("Fill: content can be read while it arrives, of known and of unknown length") {
  for (const bool known : {true, false}) {
    CAPTURE(known);
    asio::io_context io;
    Fill fill({}, {}, SteadyClock::now());
    std::string content;
    for (int i = 0; i < 20'000; ++i) content += std::to_string(i);
    fill.arrive(make_response(""), known ? std::optional(content.size()) : std::nullopt);
    int step = 0;
    Timer feeder(io);
    std::function<void()> feed = [&] {
      const std::size_t from = content.size() * static_cast<std::size_t>(step) / 7;
      const std::size_t to = content.size() * static_cast<std::size_t>(step + 1) / 7;
      fill.append(std::string_view(content).substr(from, to - from));
      if (++step == 7) {
        CHECK(fill.content().view() == content);
        fill.complete(make_response(content), policy::Detail::none);
        return;
      }
      asio::post(io, feed);
    };
    asio::post(io, feed);
    CHECK(test::run(io, read_all(io, fill)) == content);
  }
}

TEST_CASE("Fill: a reader on its thread goes on before what is posted behind the news") {
  asio::io_context io{1};
  Fill fill({}, {}, SteadyClock::now());
  std::string order;
  asio::co_spawn(io, read_all(io, fill),
                 [&](const std::exception_ptr&, const std::string& content) {
                   order += "read " + content;
                   io.stop();
                 });
  io.poll();
  asio::post(io, [&] {
    fill.arrive(make_response(""), 3);
    fill.append("all");
    fill.complete(make_response("all"), policy::Detail::none);
    // As the commands to Redis are.
    asio::post(io, [&] { order += "posted, "; });
  });
  io.restart();
  io.run_for(5s);
  CHECK(order == "read all");
}

TEST_CASE(
    "Fill: is ahead of the store from when a reader may have had all of it until it is stored") {
  for (const bool known : {true, false}) {
    CAPTURE(known);
    Fill fill({}, {}, SteadyClock::now());
    fill.note_reader();
    CHECK_FALSE(fill.snapshot().is_ahead_of_store());
    fill.arrive(make_response(""), known ? std::optional<std::size_t>(6) : std::nullopt);
    fill.append("abc");
    CHECK_FALSE(fill.snapshot().is_ahead_of_store());
    fill.append("def");
    CHECK(fill.snapshot().is_ahead_of_store() == known);
    fill.hold_whole(make_response("abcdef"));
    CHECK(fill.snapshot().is_ahead_of_store());
    fill.complete(make_response("abcdef"), policy::Detail::none);
    CHECK_FALSE(fill.snapshot().is_ahead_of_store());
  }
  Fill refresh({}, {}, SteadyClock::now());
  refresh.arrive(make_response(""), 6);
  refresh.append("abcdef");
  CHECK_FALSE(refresh.snapshot().is_ahead_of_store());
  Fill failed({}, {}, SteadyClock::now());
  failed.note_reader();
  failed.fail(FetchFailure::content_cut_off);
  CHECK_FALSE(failed.snapshot().is_ahead_of_store());
}

TEST_CASE("Fill: all of it can be read before it is stored") {
  asio::io_context io;
  Fill fill({}, {}, SteadyClock::now());
  fill.arrive(make_response(""), std::nullopt);
  fill.append("abc");
  asio::post(io, [&] { fill.hold_whole(make_response("abc")); });
  CHECK(test::run(io, read_all(io, fill)) == "abc");
}

TEST_CASE("Fill: whoever waits hears of a failure") {
  asio::io_context io;
  Fill fill({}, {}, SteadyClock::now());
  fill.arrive(make_response(""), 6);
  fill.append("abc");
  asio::post(io, [&] { fill.fail(FetchFailure::content_cut_off); });
  CHECK(test::run(io, read_all(io, fill)) == "failed after abc");
}

TEST_CASE("Fill: waiting has a deadline") {
  asio::io_context io;
  Fill fill({}, {}, SteadyClock::now());
  const auto timer = std::make_shared<Timer>(io);
  CHECK_FALSE(test::run(io, fill.changed(0, timer, 20ms)));
}

TEST_SUITE("concurrent") {
  TEST_CASE("Fill: readers on other threads follow one writer") {
    for (int round = 0; round < 50; ++round) {
      Fill fill({}, {}, SteadyClock::now());
      std::string content;
      for (int i = 0; i < 5'000; ++i) content += std::to_string(i * round);
      std::atomic<int> right{0};
      std::vector<std::thread> readers;
      readers.reserve(3);
      for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
          asio::io_context io{1};
          asio::co_spawn(io, read_all(io, fill),
                         [&](const std::exception_ptr&, const std::string& read) {
                           if (read == content) ++right;
                         });
          io.run_for(10s);
        });
      }
      fill.arrive(make_response(""), content.size());
      for (std::size_t at = 0; at < content.size(); at += 1000)
        fill.append(std::string_view(content).substr(at, 1000));
      fill.complete(make_response(content), policy::Detail::none);
      for (std::thread& reader : readers) reader.join();
      CHECK(right == 3);
    }
  }
}

}  // namespace
}  // namespace larder::session
