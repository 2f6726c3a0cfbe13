#include "policy/suggestion.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "policy/path_inference.hpp"
#include "policy/path_pattern.hpp"
#include "policy/pattern_suggestion.hpp"

namespace larder::policy {

namespace {

/// What is not suggested must not fall to a wider rule that is.
void keep_out_others(const std::vector<InferredPattern>& patterns,
                     std::span<const std::string_view> paths, std::vector<Suggestion>& list) {
  std::vector<PathPattern> wide;
  for (const Suggestion& suggestion : list) {
    auto parsed = parse_path_pattern(suggestion.pattern);
    auto* pattern = std::get_if<PathPattern>(&parsed);
    if (suggestion.standing == Standing::suggested && pattern && pattern->has_parameters())
      wide.push_back(std::move(*pattern));
  }
  std::vector<Suggestion> all;
  std::size_t next = 0;  // of the list, which has some of the patterns in their order
  for (const InferredPattern& pattern : patterns) {
    const bool is_listed = next < list.size() && list[next].pattern == pattern.text;
    const bool is_suggested = is_listed && list[next].standing == Standing::suggested;
    const bool is_taken =
        !is_suggested && pattern.is_writable &&
        std::any_of(wide.begin(), wide.end(), [&](const PathPattern& rule) {
          return std::any_of(pattern.paths.begin(), pattern.paths.end(),
                             [&](std::size_t path) { return rule.matches(paths[path]); });
        });
    if (is_listed) {
      all.push_back(std::move(list[next++]));
    } else if (is_taken) {
      all.emplace_back().pattern = pattern.text;
      all.back().reasons.emplace_back("it was not looked at: others are asked for more");
    } else {
      continue;
    }
    all.back().is_to_be_kept_out = is_taken;
  }
  list = std::move(all);
}

}  // namespace

Suggestions make_suggestions(const Observations& observed) {
  Suggestions suggestions;
  suggestions.observed = observed.until() - observed.since();
  std::map<std::string_view, std::vector<const SeenAnswer*>> by_path;
  std::set<std::string_view> well;
  for (const SeenAnswer& answer : observed.answers()) {
    if (!observed.urls().has(answer.url) || answer.asked < observed.since()) continue;
    const std::string_view path = observed.urls().at(answer.url).path;
    by_path[path].push_back(&answer);
    suggestions.requests += answer.requests();
    if (answer.status == 200) well.insert(path);
  }
  for (const auto& [path, answers] : by_path) {
    if (well.contains(path)) continue;
    ++suggestions.unwell_paths;
    for (const SeenAnswer* answer : answers) suggestions.unwell += answer->requests();
  }
  const std::vector<std::string_view> paths(well.begin(), well.end());
  std::vector<InferredPattern> patterns = infer_patterns(paths);
  const auto requests_of = [&](const InferredPattern& pattern) {
    std::uint64_t requests = 0;
    for (const std::size_t path : pattern.paths)
      for (const SeenAnswer* answer : by_path[paths[path]]) requests += answer->requests();
    return requests;
  };
  std::vector<std::pair<std::uint64_t, std::size_t>> by_requests;
  for (std::size_t i = 0; i < patterns.size(); ++i)
    by_requests.emplace_back(requests_of(patterns[i]), i);
  std::sort(by_requests.rbegin(), by_requests.rend());
  std::vector<bool> is_looked_at(patterns.size());
  for (std::size_t i = 0; i < by_requests.size(); ++i) {
    is_looked_at[by_requests[i].second] = i < most_patterns;
    if (i >= most_patterns) suggestions.not_looked_at += by_requests[i].first;
  }

  // What there was no room for would have been misses.
  std::vector<std::uint64_t> dropped(patterns.size());
  for (const DroppedUrls& urls : observed.urls().dropped()) {
    suggestions.requests += urls.requests;
    suggestions.dropped += urls.requests;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const auto parsed = parse_path_pattern(patterns[i].text);
      const auto* pattern = std::get_if<PathPattern>(&parsed);
      if (!pattern || !pattern->matches(urls.path)) continue;
      dropped[i] += urls.requests;
      break;
    }
  }

  const std::vector<WriteKind> kinds = group_writes(observed.writes());
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!is_looked_at[i]) continue;
    std::vector<SeenAnswer> answers;
    std::uint64_t urls = 0;
    for (const std::size_t path : patterns[i].paths) {
      std::set<std::uint32_t> places;
      for (const SeenAnswer* answer : by_path[paths[path]]) {
        answers.push_back(*answer);
        places.insert(answer->url.place);
      }
      urls += places.size();
    }
    std::stable_sort(answers.begin(), answers.end(), [](const SeenAnswer& a, const SeenAnswer& b) {
      return a.answered() < b.answered();
    });
    Suggestion suggestion;
    if (patterns[i].is_writable) {
      suggestion = suggest_for({.observed = observed,
                                .kinds = kinds,
                                .pattern = patterns[i].text,
                                .answers = std::move(answers),
                                .dropped = dropped[i]});
    } else {
      suggestion.pattern = patterns[i].text;
      suggestion.requests = requests_of(patterns[i]);
      suggestion.reasons.emplace_back("its path has characters that are encoded: write it by hand");
    }
    suggestion.urls = urls;
    if (patterns[i].is_widened)
      suggestion.lines.push_back("its converter stands for " +
                                 std::to_string(patterns[i].paths.size()) + " values" +
                                 ", such as " + std::string(paths[patterns[i].paths.front()]) +
                                 ": if these are views of their own, name them");
    suggestions.list.push_back(std::move(suggestion));
  }
  keep_out_others(patterns, paths, suggestions.list);
  return suggestions;
}

}  // namespace larder::policy
