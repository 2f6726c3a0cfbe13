#include "ops/url_ranking.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "policy/detail_words.hpp"

namespace larder::ops {

namespace {

constexpr std::size_t longest_method = 16;

/// "GET /path?query".
void put_name(std::string_view method, std::string_view path, std::string_view query,
              std::string& name) {
  method = method.substr(0, longest_method);
  name.assign(method).append(" ").append(path.substr(0, UrlRanking::longest));
  const std::size_t most = method.size() + 1 + UrlRanking::longest;
  if (!query.empty() && name.size() < most)
    name.append("?").append(query.substr(0, most - name.size()));
}

}  // namespace

void UrlRanking::note(const session::ExchangeRecord& record) {
  if (record.path.empty() || !record.cache.forward) return;
  // Its room is used again: what is passed on allocates nothing here.
  static thread_local std::string name;
  put_name(record.method, record.path, record.query, name);
  const std::scoped_lock lock(mutex_);
  auto found = places_.find(name);
  if (found == places_.end()) {
    const std::size_t end_of_method = name.find(' ');
    RankedUrl newcomer{.method = name.substr(0, end_of_method),
                       .url = name.substr(end_of_method + 1),
                       .origin = {},
                       .rule = {}};
    if (urls_.size() < most) {
      found = places_.emplace(name, urls_.size()).first;
      urls_.push_back(std::move(newcomer));
    } else {
      const auto least = std::min_element(
          urls_.begin(), urls_.end(),
          [](const RankedUrl& a, const RankedUrl& b) { return a.misses < b.misses; });
      places_.erase(least->method + " " + least->url);
      found = places_.emplace(name, static_cast<std::size_t>(least - urls_.begin())).first;
      newcomer.misses = newcomer.over = least->misses;
      *least = std::move(newcomer);
    }
  }
  RankedUrl& ranked = urls_[found->second];
  last_ = found->second;
  ++ranked.misses;
  ranked.origin.assign(record.scheme).append("://").append(record.host.substr(0, longest));
  ranked.rule = record.rule;
  ranked.slowest = std::max(ranked.slowest, record.took);
  ranked.together += record.took;
  ranked.last = record.cache;
  ranked.last.key = {};  // a view into what ends with the record
  ranked.last_status = record.status;
  ranked.last_failure = record.failure;
  ranked.last_ended =
      record.began + std::chrono::floor<std::chrono::system_clock::duration>(record.took);
}

std::optional<RankedUrl> UrlRanking::find(std::string_view method, std::string_view path,
                                          std::string_view query) const {
  std::string name;
  put_name(method, path, query, name);
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(name);
  if (found == places_.end()) return std::nullopt;
  return urls_[found->second];
}

template <typename Before>
std::vector<RankedUrl> UrlRanking::sorted(std::size_t count, Before before) const {
  std::vector<RankedUrl> list;
  {
    const std::scoped_lock lock(mutex_);
    list = urls_;
  }
  std::sort(list.begin(), list.end(), before);
  if (list.size() > count) list.resize(count);
  return list;
}

std::vector<RankedUrl> UrlRanking::most_missed(std::size_t count) const {
  return sorted(count, [](const RankedUrl& a, const RankedUrl& b) { return a.misses > b.misses; });
}

std::vector<RankedUrl> UrlRanking::slowest(std::size_t count) const {
  return sorted(count,
                [](const RankedUrl& a, const RankedUrl& b) { return a.slowest > b.slowest; });
}

std::string UrlRanking::last_origin() const {
  const std::scoped_lock lock(mutex_);
  return urls_.empty() ? std::string() : urls_[last_].origin;
}

namespace {

boost::json::array describe(const std::vector<RankedUrl>& urls) {
  boost::json::array list;
  for (const RankedUrl& url : urls) {
    const double together = std::chrono::duration<double>(url.together).count();
    const std::uint64_t own = std::max<std::uint64_t>(url.misses - url.over, 1);
    list.push_back({{"method", url.method},
                    {"url", url.url},
                    {"origin", url.origin},
                    {"rule", url.rule},
                    {"misses", url.misses},
                    {"over", url.over},
                    {"mean", together / static_cast<double>(own)},
                    {"slowest", std::chrono::duration<double>(url.slowest).count()},
                    {"why", policy::describe(url.last)}});
  }
  return list;
}

}  // namespace

std::string format_json(const UrlRanking& ranking) {
  constexpr std::size_t told = 20;
  return boost::json::serialize(
             boost::json::object{{"most_missed", describe(ranking.most_missed(told))},
                                 {"slowest", describe(ranking.slowest(told))}}) +
         "\n";
}

}  // namespace larder::ops
