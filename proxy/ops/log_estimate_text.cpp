#include "ops/log_estimate_text.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "ops/rule_yaml.hpp"

namespace larder::ops {

using policy::logged_ttls;
using policy::LoggedPattern;

namespace {

constexpr std::size_t most_rules = 50;
/// Below it a rule is of no use.
constexpr double least_hit_ratio = 0.1;
/// No longer one is proposed where nothing tells how long an answer stays as it is.
constexpr std::size_t longest_proposed = 2;
/// Of the hits of an hour.
constexpr double enough_of_hits = 0.8;
constexpr std::size_t an_hour = 3;
static_assert(logged_ttls[longest_proposed] == std::chrono::minutes(5));
static_assert(logged_ttls[an_hour] == std::chrono::hours(1));

double percent_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::size_t choose_ttl(const LoggedPattern& pattern) {
  for (std::size_t i = 0; i < longest_proposed; ++i)
    if (static_cast<double>(pattern.hits[i]) >=
        enough_of_hits * static_cast<double>(pattern.hits[an_hour]))
      return i;
  return longest_proposed;
}

void append_pattern(const LoggedPattern& pattern, std::uint64_t all, std::string& text) {
  text += fmt::format("\n  # {} of {} GETs ({:.0f} %), {} {}\n", pattern.requests, all,
                      percent_of(pattern.requests, all), pattern.urls,
                      pattern.urls == 1 ? "URL" : "URLs");
  text += "  # would have been hits, with a ttl of";
  for (std::size_t i = 0; i < logged_ttls.size(); ++i)
    text += fmt::format("{} {}: {:.1f} %", i == 0 ? "" : ",", format_ttl(logged_ttls[i]),
                        percent_of(pattern.hits[i], pattern.requests));
  const std::size_t chosen = choose_ttl(pattern);
  text += fmt::format("\n  # with {}: {} requests saved", format_ttl(logged_ttls[chosen]),
                      pattern.hits[chosen]);
  if (pattern.evictions > 0)
    text += fmt::format("; {} {} came after a write to its own path", pattern.evictions,
                        pattern.evictions == 1 ? "request" : "requests");
  text += "\n";
  if (pattern.is_widened)
    text += "  # its converter stands for many values: if some are views of their own, name them\n";
  append_rule({.path = pattern.pattern,
               .is_in_shadow = true,
               .ttl = logged_ttls[chosen],
               .ignored = pattern.ignored},
              "  ", text);
}

}  // namespace

std::string format_rules(const policy::LogReport& report, const ReadLog& log) {
  std::vector<const LoggedPattern*> useful;
  std::uint64_t saved = 0;
  std::uint64_t useless = 0;
  for (const LoggedPattern& pattern : report.patterns) {
    const bool is_useful = static_cast<double>(pattern.hits[an_hour]) >=
                           least_hit_ratio * static_cast<double>(pattern.requests);
    if (!is_useful) {
      useless += pattern.requests;
      continue;
    }
    useful.push_back(&pattern);
  }
  std::vector<const LoggedPattern*> most = useful;
  std::stable_sort(most.begin(), most.end(), [](const LoggedPattern* a, const LoggedPattern* b) {
    return a->hits[an_hour] > b->hits[an_hour];
  });
  std::uint64_t left_out = 0;
  for (std::size_t i = most_rules; i < most.size(); ++i) {
    left_out += most[i]->requests;
    std::erase(useful, most[i]);
  }
  for (const LoggedPattern* pattern : useful) saved += pattern->hits[choose_ttl(*pattern)];

  std::string text = fmt::format(
      "# By larder suggest --log: a first estimate, from {} GETs and {} writes in {}.\n"
      "# A log says what was asked for and when. It does not say what the answers were, nor who "
      "asked. So of each\n"
      "# rule below, ttl (how long an answer stays as it is), share (who may get the same one) and "
      "evict_on (which\n"
      "# writes elsewhere change it) are yours to say; query parameters all count, but for known "
      "trackers. All are\n"
      "# in shadow: they answer nothing, and larder shadow says what they would have done.\n"
      "# {:.0f} % of the GETs would have been hits.\n",
      report.gets, report.writes, format_span(report.observed), percent_of(saved, report.gets));
  if (log.unread > 0)
    text += fmt::format("# {} of {} lines could not be read, the first: {}\n", log.unread,
                        log.lines, log.first_unread);
  text += useful.empty() ? "rules: []\n" : "rules:\n";
  for (const LoggedPattern* pattern : useful) append_pattern(*pattern, report.gets, text);

  std::string rest;
  const auto tell = [&rest](std::uint64_t requests, std::string_view what) {
    if (requests > 0) rest += fmt::format("#   {} GETs {}\n", requests, what);
  };
  tell(useless, "of patterns of which hardly anything is asked for twice");
  tell(left_out, fmt::format("of patterns beyond the {} that would spare most", most_rules));
  tell(report.unwell, "of paths that never answered 200 or 304");
  tell(report.ambiguous, "of paths that servers read in different ways: those are never cached");
  tell(report.dropped, "of URLs that there was no room for (--urls): they count as misses");
  if (!rest.empty()) text += "\n# Not in any rule\n" + rest;
  return text;
}

}  // namespace larder::ops
