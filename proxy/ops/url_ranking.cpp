#include "ops/url_ranking.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace larder::ops {

namespace {

std::string_view reason_of(const policy::CacheOutcome& cache) {
  if (cache.detail != policy::Detail::none) return policy::format_detail(cache.detail);
  return cache.forward ? policy::format_forward_reason(*cache.forward) : std::string_view();
}

}  // namespace

void UrlRanking::note(const session::ExchangeRecord& record) {
  if (record.path.empty() || !record.cache.forward) return;
  std::string url(record.path.substr(0, longest));
  if (!record.query.empty() && url.size() < longest)
    url.append("?").append(record.query.substr(0, longest - url.size()));
  const std::scoped_lock lock(mutex_);
  auto found = places_.find(url);
  if (found == places_.end()) {
    if (urls_.size() < most) {
      found = places_.emplace(url, urls_.size()).first;
      urls_.push_back({.url = std::move(url), .origin = {}, .rule = {}});
    } else {
      const auto least = std::min_element(
          urls_.begin(), urls_.end(),
          [](const RankedUrl& a, const RankedUrl& b) { return a.misses < b.misses; });
      places_.erase(least->url);
      found = places_.emplace(url, static_cast<std::size_t>(least - urls_.begin())).first;
      *least = {.url = std::move(url),
                .origin = {},
                .rule = {},
                .misses = least->misses,
                .over = least->misses};
    }
  }
  RankedUrl& ranked = urls_[found->second];
  last_ = found->second;
  ++ranked.misses;
  ranked.origin.assign(record.scheme).append("://").append(record.host.substr(0, longest));
  ranked.rule = record.rule;
  ranked.slowest = std::max(ranked.slowest, record.took);
  ranked.together += record.took;
  ranked.reason = reason_of(record.cache);
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
    list.push_back({{"url", url.url},
                    {"origin", url.origin},
                    {"rule", url.rule},
                    {"misses", url.misses},
                    {"over", url.over},
                    {"mean", together / static_cast<double>(own)},
                    {"slowest", std::chrono::duration<double>(url.slowest).count()},
                    {"reason", url.reason}});
  }
  return list;
}

}  // namespace

std::string format_json(const UrlRanking& ranking) {
  constexpr std::size_t told = 20;
  return boost::json::serialize(
             boost::json::object{{"origin", ranking.last_origin()},
                                 {"most_missed", describe(ranking.most_missed(told))},
                                 {"slowest", describe(ranking.slowest(told))}}) +
         "\n";
}

}  // namespace larder::ops
