#include "ops/log.hpp"

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

session::ExchangeRecord make_record() {
  session::ExchangeRecord record;
  record.began = std::chrono::system_clock::time_point(std::chrono::milliseconds(784'111'777'042));
  record.took = std::chrono::microseconds(1500);
  record.peer = "192.0.2.1";
  record.method = "GET";
  record.host = "api.example";
  record.path = "/api/a/";
  record.query = "x=\"1\"";
  record.rule = "a";
  record.status = 200;
  record.content_sent = 12;
  record.cache.result = policy::CacheResult::miss;
  record.cache.forward = policy::ForwardReason::uri_miss;
  record.cache.stored = true;
  return record;
}

std::string line_of(const session::ExchangeRecord& record, LineFormat format) {
  std::string line;
  write_line(record, format, line);
  return line;
}

TEST_CASE("write_line: JSON, escaped") {
  CHECK(
      line_of(make_record(), LineFormat::json) ==
      R"({"time":"1994-11-06T08:49:37.042Z","level":"info","peer":"192.0.2.1","method":"GET",)"
      R"("host":"api.example","path":"/api/a/","query":"x=\"1\"","status":200,"bytes":12,"ms":1.500,)"
      R"("cache":"MISS","fwd":"uri-miss","stored":true,"rule":"a"})");
}

TEST_CASE("write_line: JSON of what is rare, and a time that rounds up") {
  session::ExchangeRecord record = make_record();
  record.path = "/\x01\xc3\\";
  record.query = "";
  record.took = std::chrono::nanoseconds(2'000'999'600);
  record.began += std::chrono::milliseconds(963);
  record.evicted_tags = 2;
  record.eviction_deferred = true;
  record.failure = session::FetchFailure::refused;
  record.cut_off = true;
  CHECK(
      line_of(record, LineFormat::json) ==
      R"({"time":"1994-11-06T08:49:38.005Z","level":"info","peer":"192.0.2.1","method":"GET",)"
      R"("host":"api.example","path":"/\u0001\u00c3\\","status":200,"bytes":12,"ms":2001.000,)"
      R"("cache":"MISS","fwd":"uri-miss","stored":true,"rule":"a","evicted_tags":2,)"
      R"("eviction_deferred":true,"failure":"the upstream refused the connection","cut_off":true})");
}

TEST_CASE("write_line: text that no request can turn into commands for a terminal") {
  session::ExchangeRecord record = make_record();
  record.path = "/\x1b[2J";
  const std::string line = line_of(record, LineFormat::text);
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(line.find("MISS   200      1.5 ms  GET /?[2J?x=\"1\"  uri-miss stored") !=
        std::string::npos);
}

TEST_CASE("write_line: what failed is told") {
  session::ExchangeRecord record = make_record();
  record.failure = session::FetchFailure::refused;
  record.evicted_tags = 2;
  record.eviction_deferred = true;
  record.cut_off = true;
  const std::string line = line_of(record, LineFormat::text);
  CHECK(line.ends_with("stored eviction deferred: the upstream refused the connection [cut off]"));
}

}  // namespace
}  // namespace larder::ops
