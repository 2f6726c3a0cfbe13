// larder suggest: rules for the traffic that was seen, by a running Larder or in access logs.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"
#include "ops/log_estimate_text.hpp"
#include "ops/logged_line.hpp"

namespace larder::commands {

namespace {

struct Arguments {
  config::Flags flags;
  std::vector<std::string> logs;
  std::size_t urls = 20'000;
};

constexpr std::size_t longest_line = 16 * 1024;
constexpr std::size_t longest_shown = 120;
constexpr std::uint64_t lines_between_looks = 10'000;

/// "access.log: 43 %, 120000 lines" on a terminal, now and then.
class Progress {
 public:
  Progress(std::string name, std::uintmax_t size)
      : name_(std::move(name)), size_(size), is_shown_(::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (has_shown_) std::cerr << "\r\x1b[K";
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void note(std::uint64_t bytes) {
    read_ += bytes;
    if (++lines_ % lines_between_looks != 0 || !is_shown_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    has_shown_ = true;
    std::cerr << "\r\x1b[K" << name_ << ": ";
    if (size_ > 0) std::cerr << 100 * read_ / size_ << " %, ";
    std::cerr << lines_ << " lines" << std::flush;
  }

 private:
  const std::string name_;
  const std::uintmax_t size_;  ///< bytes; 0: not known
  const bool is_shown_;
  bool has_shown_ = false;
  std::uint64_t read_ = 0;
  std::uint64_t lines_ = 0;
  std::chrono::steady_clock::time_point shown_{};
};

/// As much of a line as may be shown: it may hold anything.
std::string shorten(std::string_view line) {
  std::string shown(line.substr(0, longest_shown));
  for (char& letter : shown)
    if (letter < ' ' || letter > '~') letter = '?';
  return line.size() > longest_shown ? shown + "..." : shown;
}

/// False: it could not be read to its end.
bool read_log(std::istream& stream, Progress& progress, policy::LogEstimate& estimate,
              ops::ReadLog& log) {
  std::string line(longest_line, '\0');
  for (;;) {
    stream.getline(line.data(), static_cast<std::streamsize>(line.size()));
    const auto taken = static_cast<std::size_t>(stream.gcount());
    if (taken == 0 && stream.eof()) return true;
    const bool is_too_long = stream.fail() && taken + 1 >= line.size();
    if (stream.fail() && !is_too_long) return stream.eof();
    std::string_view text(line.data(), stream.eof() || is_too_long ? taken : taken - 1);
    if (is_too_long) {
      stream.clear();
      stream.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    progress.note(taken);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    ++log.lines;
    if (const auto request = ops::parse_logged_line(text)) {
      estimate.note(*request);
    } else {
      if (log.unread++ == 0) log.first_unread = shorten(text);
    }
  }
}

int estimate_from_logs(const Arguments& arguments) {
  policy::LogEstimate estimate(arguments.urls);
  ops::ReadLog log;
  for (const std::string& name : arguments.logs) {
    bool is_read = false;
    if (name == "-") {
      Progress progress("standard input", 0);
      is_read = read_log(std::cin, progress, estimate, log);
    } else {
      std::ifstream file(name, std::ios::binary);
      std::error_code unknown;
      const std::uintmax_t size = std::filesystem::file_size(name, unknown);
      Progress progress(name, unknown ? 0 : size);
      is_read = file && read_log(file, progress, estimate, log);
    }
    if (!is_read) {
      std::cerr << "larder: " << name << " cannot be read\n";
      return exit_failed;
    }
  }
  if (log.unread > 0)
    std::cerr << fmt::format("larder: {} of {} lines could not be read, the first: {}\n",
                             log.unread, log.lines, log.first_unread);
  if (log.lines == log.unread) {
    std::cerr << "larder: no line is in nginx's combined format or gunicorn's own\n";
    return exit_failed;
  }
  std::cout << ops::format_rules(estimate.report(), log);
  return exit_ok;
}

int suggest(const Arguments& arguments) {
  if (!arguments.logs.empty()) return estimate_from_logs(arguments);
  const std::optional<std::string> told = call_admin(arguments.flags, {.target = "/suggest"});
  if (told) std::cout << *told;
  return told ? exit_ok : exit_failed;
}

constexpr const char* footer =
    R"help(Without --log it asks a running Larder, started with the setting observe (such as --observe 20000), what it has
seen of GETs that no rule answers, and prints a rules file: paths with Django's converters, the query parameters
that need not count, ttl, share and evict_on, each with the hit ratio it would have had and how sure that is.

  suggested             played over what was seen, nobody would have got anything old or another's, in 300 hits or more
  "# Not sure yet"      nothing speaks against it, but too little was seen; the rule stands in a comment
  "# Not to be cached"  why no rule is made: cookies, private, no-store, users differ, changes that no write tells of

With --log it reads access logs in nginx's combined format or gunicorn's own (which are alike), nothing being
installed in the path. A log does not say what answers were nor who asked: every rule is in shadow, its ttl short,
and what is to be decided is said. Lines of other formats are counted and left out. At most --urls distinct URLs are
kept, those asked for most, about 1 KiB each; what there was no room for counts as misses.

Examples:
  larder serve --observe 20000 --upstream http://127.0.0.1:8000
  larder suggest > suggested.yaml && larder check suggested.yaml
  larder suggest --log /var/log/nginx/access.log.1 --log /var/log/nginx/access.log
  zcat access.log.*.gz | larder suggest --log -

Exit codes: 0 printed; 1 not reached, nothing observed, or a log that cannot be read; 2 wrong usage.)help";

}  // namespace

void add_suggest(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "suggest",
      "Write a rules file for the traffic seen, with the hit ratio each rule would have had");
  const auto arguments = std::make_shared<Arguments>();
  CLI::Option* log = command
                         ->add_option("--log", arguments->logs,
                                      "Read an access log instead of asking; - is standard input, "
                                      "and it may be given more than once, oldest first")
                         ->type_name("FILE")
                         ->allow_extra_args(false);
  command
      ->add_option("--urls", arguments->urls,
                   "With --log: keep so many distinct URLs (default 20000)")
      ->check(CLI::Range(100, 10'000'000))
      ->needs(log);
  add_admin_settings(*command, arguments->flags);
  command->footer(footer);
  command->callback([arguments, &code] { code = suggest(*arguments); });
}

}  // namespace larder::commands
