#include "ops/process.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace larder::ops {

namespace {

/// The second of 1970 in which the machine was started.
double read_boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

/// Of this process, by the number that proc(5) gives it in /proc/self/stat. Zero: not to be had.
std::uint64_t read_stat(unsigned number) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // The second one, the program's name, may hold anything, but ends with the last parenthesis.
  const std::size_t named = line.rfind(')');
  if (named == std::string::npos) return 0;
  std::istringstream rest(line.substr(named + 1));
  std::string word;
  for (unsigned at = 3; at <= number; ++at) rest >> word;
  std::uint64_t value = 0;
  std::istringstream(word) >> value;
  return value;
}

}  // namespace

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  const auto ticks = static_cast<double>(std::max(::sysconf(_SC_CLK_TCK), 1L));
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    figures.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  figures.resident_bytes = read_stat(24) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  // Not by reading the folder: ten thousand connections would be ten thousand entries.
  struct stat files {};
  if (::stat("/proc/self/fd", &files) == 0)
    figures.open_files = static_cast<std::uint64_t>(files.st_size);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.most_files = limit.rlim_cur;
  figures.start_time_seconds = read_boot_time() + static_cast<double>(read_stat(22)) / ticks;
  return figures;
}

}  // namespace larder::ops
