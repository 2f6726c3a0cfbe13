#include "ops/line_writer.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

constexpr std::size_t roomy = std::size_t{1} << 20;

std::string read_all(int descriptor) {
  std::string all;
  char room[65536];
  for (ssize_t size = 0; (size = ::read(descriptor, room, sizeof room)) > 0;)
    all.append(room, static_cast<std::size_t>(size));
  return all;
}

/// What arrives at the other end of a pair of descriptors while `write` has a writer to it.
template <class Write>
std::string written_to(const std::array<int, 2>& ends, const Write& write) {
  std::string read;
  std::thread reader([&] { read = read_all(ends[0]); });
  {
    LineWriter writer(ends[1]);
    write(writer);
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  return read;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return ends;
}

std::array<int, 2> make_sockets() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return ends;
}

TEST_CASE("LineWriter: whatever stderr is, each line arrives, in order") {
  std::string expected;
  for (int line = 0; line < 2000; ++line) expected += std::to_string(line) + "\n";
  const auto write = [](LineWriter& writer) {
    LineSource& source = writer.add_source(roomy);
    for (int line = 0; line < 2000; ++line) source.write(std::to_string(line));
    CHECK(writer.dropped() == 0);
  };
  CHECK(written_to(make_pipe(), write) == expected);
  CHECK(written_to(make_sockets(), write) == expected);

  const int file = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  {
    LineWriter writer(file);
    write(writer);
  }
  CHECK(::lseek(file, 0, SEEK_SET) == 0);
  CHECK(read_all(file) == expected);
  ::close(file);
}

TEST_CASE("LineWriter: a line that lies around the ring's end arrives whole") {
  LineSource source(64, -1);
  std::string read;
  for (int line = 0; line < 20; ++line) {
    source.write(std::string(22, static_cast<char>('a' + line)));
    const std::uint64_t end = source.written();
    while (source.taken() < end) {
      const std::string_view piece = source.unread(end);
      read += piece;
      source.take(piece.size());
    }
  }
  CHECK(source.dropped() == 0);
  REQUIRE(read.size() == std::size_t{20} * 23);
  for (std::size_t line = 0; line < 20; ++line)
    CHECK(read.substr(line * 23, 23) ==
          std::string(22, static_cast<char>('a' + static_cast<int>(line))) + "\n");
}

TEST_CASE("LineSource: what does not fit is dropped and counted, and what fits later is not") {
  LineSource source(64, -1);
  source.write(std::string(63, 'x'));
  source.write("y");
  CHECK(source.dropped() == 1);
  CHECK(source.unread(source.written()) == std::string(63, 'x') + "\n");
  source.take(64);
  source.write("z");
  CHECK(source.unread(source.written()) == "z\n");
  source.write(std::string(64, 'x'));
  CHECK(source.dropped() == 2);
}

TEST_CASE("LineWriter: nobody reads, so lines are dropped and nobody waits") {
  const std::array<int, 2> ends = make_pipe();
  {
    LineWriter writer(ends[1]);
    LineSource& source = writer.add_source(roomy);
    const std::string line(1000, 'x');
    for (std::size_t i = 0; i < 4 * roomy / line.size(); ++i) source.write(line);
    CHECK(writer.dropped() > 0);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_SUITE("concurrent") {
  TEST_CASE("LineWriter: every line of every thread arrives whole") {
    constexpr int threads = 4;
    constexpr int lines = 1000;
    const std::string read = written_to(make_pipe(), [](LineWriter& writer) {
      std::vector<std::thread> writing;
      writing.reserve(threads);
      for (int i = 0; i < threads; ++i) {
        writing.emplace_back([&source = writer.add_source(roomy), i] {
          for (int line = 0; line < lines; ++line)
            source.write(std::string(50, static_cast<char>('a' + i)));
        });
      }
      for (std::thread& thread : writing) thread.join();
    });
    REQUIRE(read.size() == std::size_t{threads} * lines * 51);
    for (std::size_t at = 0; at < read.size(); at += 51) {
      if (read.substr(at, 51) != std::string(50, read[at]) + "\n") FAIL("a line was torn");
    }
  }
}

}  // namespace
}  // namespace larder::ops
