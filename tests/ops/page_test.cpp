// What the page shows: history, ranking, tail.
#include "ops/page.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "ops/history.hpp"
#include "ops/tail.hpp"
#include "ops/url_ranking.hpp"

namespace larder::ops {
namespace {

using namespace std::chrono_literals;
using policy::CacheResult;

constexpr std::chrono::sys_seconds noon{1'700'000'000s};

Totals totals(std::uint64_t hits, std::uint64_t misses, std::uint64_t failures = 0) {
  Totals totals;
  RuleTotals rule;
  OutcomeTotals& hit = rule.outcomes[static_cast<std::size_t>(CacheResult::hit)];
  hit.requests = hits;
  hit.took[0] = hits;
  OutcomeTotals& miss = rule.outcomes[static_cast<std::size_t>(CacheResult::miss)];
  miss.requests = misses;
  miss.took[10] = misses;
  totals.rules.push_back(rule);
  totals.failures[1] = failures;
  return totals;
}

TEST_CASE("History: each step is what was added in it") {
  History history;
  history.take(totals(10, 5), noon);
  CHECK(history.steps().empty());
  history.take(totals(109, 6, 2), noon + 10s);
  REQUIRE(history.steps().size() == 1);
  const HistoryStep& step = history.steps().front();
  CHECK(step.requests() == 100);
  CHECK(step.hits() == 99);
  CHECK(step.failures == 2);
  CHECK(step.until == noon + 10s);
  CHECK(quantile(step.took, 0.5) == LatencyBuckets::bound(0));
  CHECK(quantile(step.took, 0.99) == LatencyBuckets::bound(0));
  CHECK(quantile(step.took, 1) == LatencyBuckets::bound(10));
  history.take(totals(109, 6, 2), noon + 20s);
  CHECK(history.steps().back().requests() == 0);
  CHECK(!quantile(history.steps().back().took, 0.5));
  CHECK(boost::json::parse(format_json(history)).at("steps").as_array()[1].at("p50").is_null());
}

TEST_CASE("History: the last hour is kept") {
  History history;
  for (std::size_t i = 0; i <= History::most + 5; ++i)
    history.take(totals(i, 0), noon + History::step * static_cast<int>(i));
  CHECK(history.steps().size() == History::most);
  CHECK(history.steps().front().until == noon + History::step * 6);
}

session::ExchangeRecord miss(std::string_view path, std::chrono::nanoseconds took = 1ms,
                             std::string_view query = {}) {
  session::ExchangeRecord record;
  record.path = path;
  record.query = query;
  record.rule = "things";
  record.took = took;
  record.cache.forward = policy::ForwardReason::uri_miss;
  return record;
}

TEST_CASE("UrlRanking: what the origin is asked for most often, and what takes longest") {
  UrlRanking ranking;
  for (int i = 0; i < 3; ++i) ranking.note(miss("/often/"));
  ranking.note(miss("/slow/", 2s, "page=2"));
  session::ExchangeRecord hit = miss("/hit/");
  hit.cache.forward.reset();
  ranking.note(hit);
  REQUIRE(ranking.most_missed(9).size() == 2);
  CHECK(ranking.most_missed(1).front().url == "/often/");
  CHECK(ranking.most_missed(1).front().misses == 3);
  CHECK(ranking.most_missed(1).front().last.forward == policy::ForwardReason::uri_miss);
  CHECK(ranking.slowest(1).front().url == "/slow/?page=2");
  CHECK(ranking.slowest(1).front().slowest == 2s);
}

TEST_CASE("UrlRanking: what became of the last request for a URL") {
  UrlRanking ranking;
  session::ExchangeRecord record = miss("/a/", 1ms, "page=2");
  record.method = "GET";
  record.began = noon;
  record.status = 200;
  record.cache.stored = true;
  const std::string ends_with_the_record = "key";
  record.cache.key = ends_with_the_record;
  ranking.note(record);
  record.began = noon + 9s;
  record.status = 404;
  record.cache.stored = false;
  record.cache.detail = policy::Detail::status_not_stored;
  ranking.note(record);
  const std::optional<RankedUrl> last = ranking.find("GET", "/a/", "page=2");
  REQUIRE(last);
  CHECK(last->last_ended == noon + 9s + 1ms);
  CHECK(last->last_status == 404);
  CHECK(last->last.detail == policy::Detail::status_not_stored);
  CHECK(last->last.key.empty());
  CHECK(last->misses == 2);
  // Another method, query or path is another request.
  CHECK_FALSE(ranking.find("POST", "/a/", "page=2"));
  CHECK_FALSE(ranking.find("GET", "/a/", ""));
  CHECK_FALSE(ranking.find("GET", "/a", "page=2"));
}

TEST_CASE("UrlRanking: under which name clients asked last") {
  UrlRanking ranking;
  CHECK(ranking.last_origin().empty());
  for (const char* host : {"b.example", "a.example"}) {
    session::ExchangeRecord record = miss(host == std::string_view("a.example") ? "/a/" : "/b/");
    record.scheme = "https";
    record.host = host;
    ranking.note(record);
  }
  CHECK(ranking.last_origin() == "https://a.example");
  for (const RankedUrl& url : ranking.most_missed(2))
    CHECK(url.origin == (url.url == "/a/" ? "https://a.example" : "https://b.example"));
}

TEST_CASE("UrlRanking: what is asked for often stays, however many others there are") {
  UrlRanking ranking;
  for (int i = 0; i < 5000; ++i) {
    ranking.note(miss("/random/" + std::to_string(i)));
    if (i % 10 == 0) ranking.note(miss("/often/"));
  }
  const std::vector<RankedUrl> most = ranking.most_missed(UrlRanking::most + 1);
  CHECK(most.size() == UrlRanking::most);
  CHECK(most.front().url == "/often/");
  CHECK(most.front().misses - most.front().over <= 500);
  CHECK(most.front().misses >= 500);
}

TEST_CASE("UrlRanking: a URL is cut off where it is too long") {
  UrlRanking ranking;
  ranking.note(miss(std::string(1000, '/'), 1ms, "q"));
  CHECK(ranking.most_missed(1).front().url.size() == UrlRanking::longest);
  ranking.note(miss("/", 1s, std::string(1000, 'q')));
  CHECK(ranking.slowest(1).front().url.size() == UrlRanking::longest);
}

TEST_CASE("Tail: keeps decisions while somebody watches") {
  Tail tail;
  const std::chrono::steady_clock::time_point now{1h};
  tail.note(miss("/before/"));
  const auto decisions = [&](std::uint64_t seen) {
    return boost::json::parse(tail.read_after(seen, now)).at("decisions").as_array();
  };
  CHECK(decisions(0).empty());
  tail.note(miss("/one/"));
  tail.note(miss("/two/"));
  REQUIRE(decisions(0).size() == 2);
  CHECK(decisions(0)[1].at("path") == "/two/");
  CHECK(decisions(0)[1].at("why") == "nothing is stored under its key");
  CHECK(decisions(1).size() == 1);
  CHECK(decisions(2).empty());
  CHECK(decisions(99).size() == 2);
  for (std::size_t i = 0; i < 2 * Tail::most; ++i) tail.note(miss("/more/"));
  CHECK(decisions(0).size() == Tail::most);
  tail.look_for_watchers(now + Tail::patience);
  tail.note(miss("/still/"));
  CHECK(decisions(2 + 2 * Tail::most).size() == 1);
  tail.look_for_watchers(now + Tail::patience + 1s);
  tail.note(miss("/after/"));
  CHECK(decisions(0).empty());
}

TEST_CASE("the page has nothing from elsewhere, and one script that its policy names") {
  const std::string_view html = page_html();
  CHECK(html.starts_with("<!doctype html>"));
  CHECK(html.find("src=") == std::string_view::npos);
  CHECK(html.find("<link") == std::string_view::npos);
  CHECK(html.find("innerHTML") == std::string_view::npos);
  CHECK(html.find("<script>") == html.rfind("<script>"));
  CHECK(page_security_policy().find("script-src 'sha256-") != std::string::npos);
}

}  // namespace
}  // namespace larder::ops
