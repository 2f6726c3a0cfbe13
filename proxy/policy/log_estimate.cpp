#include "policy/log_estimate.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <variant>

#include "http/target.hpp"
#include "policy/path_inference.hpp"
#include "policy/path_pattern.hpp"
#include "policy/tags.hpp"
#include "policy/tracking_parameters.hpp"

namespace larder::policy {

namespace {

std::size_t hash_of(const std::string& tag) {
  return std::hash<std::string>()(tag);
}

Routes make_everything() {
  Routes routes;
  RouteRule& rule = routes.rules.emplace_back();
  rule.name = "everything";
  auto parsed = parse_path_pattern("/<path:rest>");
  rule.paths.push_back(std::get<PathPattern>(std::move(parsed)));
  return routes;
}

/// The query without trackers, whose names are added to `ignored`.
std::string without_trackers(std::string_view query, std::vector<std::string>& ignored) {
  std::string kept;
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    const std::string_view tracker = tracker_of(piece.substr(0, piece.find('=')));
    if (tracker.empty()) {
      if (!kept.empty()) kept += '&';
      kept += piece;
    } else if (std::find(ignored.begin(), ignored.end(), tracker) == ignored.end()) {
      ignored.emplace_back(tracker);
    }
  }
  return kept;
}

}  // namespace

LogEstimate::LogEstimate(std::size_t most_urls)
    : everything_(make_everything()), urls_(most_urls) {}

void LogEstimate::note(const LoggedRequest& request) {
  if (first_ == Moment{}) first_ = request.moment;
  last_ = std::max(last_, request.moment);
  if (request.method == http::Method::get) {
    note_get(request);
  } else if (http::is_safe(request.method, request.method_text)) {
    ++counts_.others;
  } else {
    note_write(request);
  }
}

void LogEstimate::note_write(const LoggedRequest& request) {
  ++counts_.writes;
  if (!may_have_changed(request.status)) return;
  const EvictionDecision decision =
      decide_eviction(everything_, request.method, request.method_text, request.path);
  const auto* evict = std::get_if<Evict>(&decision);
  if (!evict) return;
  for (const std::string& tag : evict->tags) evicted_[hash_of(tag)] = request.moment;
  if (evicted_.size() <= most_evicted_tags) return;
  // Nothing is kept that may have been evicted: fewer hits, never a false one.
  evicted_.clear();
  all_evicted_ = request.moment;
}

bool LogEstimate::is_evicted(const Seen& seen, Moment since) const {
  if (all_evicted_ >= since && all_evicted_ != Moment{}) return true;
  return std::any_of(seen.tags.begin(), seen.tags.end(), [&](std::size_t tag) {
    const auto found = evicted_.find(tag);
    return found != evicted_.end() && found->second >= since;
  });
}

void LogEstimate::note_get(const LoggedRequest& request) {
  ++counts_.gets;
  std::string path;
  if (http::normalise_path(request.path, path) != http::Ambiguity::none) {
    ++counts_.ambiguous;
    return;
  }
  std::vector<std::string> ignored;
  const UrlId url = urls_.note(path, without_trackers(request.query, ignored), request.moment);
  if (!urls_.has(url)) return;
  if (seen_.size() <= url.place) seen_.resize(urls_.size());
  Seen& seen = seen_[url.place];
  if (seen.tags.empty() || seen.turn != url.turn) {
    seen = {};
    seen.turn = url.turn;
    for (const std::string& tag : tags_of_response("everything", path))
      seen.tags.push_back(hash_of(tag));
  }
  for (std::string& tracker : ignored)
    if (std::find(seen.ignored.begin(), seen.ignored.end(), tracker) == seen.ignored.end())
      seen.ignored.push_back(std::move(tracker));
  // What a client has already is what would have been stored, too.
  const bool is_well = request.status == 200 || request.status == 304;
  seen.is_well = seen.is_well || is_well;
  for (std::size_t i = 0; i < logged_ttls.size(); ++i) {
    const bool is_fresh = seen.has_been_stored && request.moment < seen.filled[i] + logged_ttls[i];
    const bool is_gone = is_fresh && is_evicted(seen, seen.filled[i]);
    if (is_gone && i + 1 == logged_ttls.size()) ++seen.evictions;
    if (is_fresh && !is_gone) {
      ++seen.hits[i];
    } else {
      seen.filled[i] = is_well ? request.moment : Moment{};
    }
  }
  seen.has_been_stored = seen.has_been_stored || is_well;
}

LogReport LogEstimate::report() const {
  LogReport report = counts_;
  report.observed = last_ - first_;
  struct OfPath {
    LoggedPattern sum;
    bool is_well = false;
  };
  std::map<std::string_view, OfPath> by_path;
  for (std::uint32_t place = 0; place < seen_.size(); ++place) {
    const Seen& seen = seen_[place];
    const KnownUrl url = urls_.at({place, seen.turn});
    OfPath& path = by_path[url.path];
    path.is_well = path.is_well || seen.is_well;
    path.sum.requests += url.requests;
    ++path.sum.urls;
    path.sum.evictions += seen.evictions;
    for (std::size_t i = 0; i < logged_ttls.size(); ++i) path.sum.hits[i] += seen.hits[i];
    for (const std::string& name : seen.ignored)
      if (!is_named(path.sum.ignored, name)) path.sum.ignored.push_back(name);
  }
  std::vector<std::string_view> paths;
  for (const auto& [path, of_path] : by_path) {
    if (of_path.is_well) {
      paths.push_back(path);
    } else {
      report.unwell += of_path.sum.requests;
    }
  }
  for (const InferredPattern& inferred : infer_patterns(paths)) {
    if (!inferred.is_writable) continue;
    LoggedPattern& pattern = report.patterns.emplace_back();
    pattern.pattern = inferred.text;
    pattern.is_widened = inferred.is_widened;
    for (const std::size_t path : inferred.paths) {
      const LoggedPattern& sum = by_path[paths[path]].sum;
      pattern.requests += sum.requests;
      pattern.urls += sum.urls;
      pattern.evictions += sum.evictions;
      for (std::size_t i = 0; i < logged_ttls.size(); ++i) pattern.hits[i] += sum.hits[i];
      for (const std::string& name : sum.ignored)
        if (!is_named(pattern.ignored, name)) pattern.ignored.push_back(name);
    }
  }
  // What there was no room for would have been misses.
  for (const DroppedUrls& dropped : urls_.dropped()) {
    report.dropped += dropped.requests;
    for (LoggedPattern& pattern : report.patterns) {
      const auto parsed = parse_path_pattern(pattern.pattern);
      const auto* matcher = std::get_if<PathPattern>(&parsed);
      if (!matcher || !matcher->matches(dropped.path)) continue;
      pattern.requests += dropped.requests;
      break;
    }
  }
  return report;
}

}  // namespace larder::policy
