#include "ops/line_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

std::string read_all(int descriptor) {
  std::string all;
  char room[65536];
  for (ssize_t size = 0; (size = ::read(descriptor, room, sizeof room)) > 0;)
    all.append(room, static_cast<std::size_t>(size));
  return all;
}

TEST_CASE("LineWriter: every line of every thread arrives whole") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  std::string read;
  std::thread reader([&] { read = read_all(ends[0]); });
  {
    LineWriter writer(ends[1]);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&writer, i] {
        for (int line = 0; line < 1000; ++line)
          writer.write(std::string(50, static_cast<char>('a' + i)));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  CHECK(read.size() == 4 * 1000 * 51);
  for (std::size_t at = 0; at < read.size(); at += 51) {
    if (read.substr(at, 51) != std::string(50, read[at]) + "\n") FAIL("a line was torn");
  }
}

TEST_CASE("LineWriter: nobody reads, so lines are dropped and nobody waits") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  {
    LineWriter writer(ends[1]);
    const std::string line(1000, 'x');
    for (std::size_t i = 0; i < 4 * LineWriter::bound / line.size(); ++i) writer.write(line);
    CHECK(writer.dropped() > 0);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace larder::ops
