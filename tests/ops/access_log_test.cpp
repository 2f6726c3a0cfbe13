#include "ops/access_log.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ops/redaction.hpp"

namespace larder::ops {
namespace {

/// Everything that has been written, and not been looked at yet.
std::string read(LineSource& source) {
  std::string text;
  for (const std::uint64_t end = source.written(); source.taken() < end;) {
    const std::string_view piece = source.unread(end);
    text += piece;
    source.take(piece.size());
  }
  return text;
}

session::ExchangeRecord make_hit(const http::RequestHead& request) {
  session::ExchangeRecord record;
  record.peer = "192.0.2.1";
  record.method = "GET";
  record.host = "api.example";
  record.path = "/api/a/";
  record.query = "page=2&token=s3cret&q=a";
  record.request = &request;
  record.status = 200;
  record.cache.result = policy::CacheResult::hit;
  return record;
}

http::RequestHead make_request() {
  http::RequestHead request;
  request.fields.add({http::FieldName::authorization, "Authorization", "Bearer s3cret"});
  request.fields.add({http::FieldName::cookie, "Cookie", "sessionid=s3cret"});
  request.fields.add({http::FieldName::unknown, "Referer", "https://a.example/x?to%6ben=s3cret"});
  request.fields.add({http::FieldName::user_agent, "User-Agent", "a \"browser\""});
  return request;
}

TEST_CASE("redact_query: values of named parameters, and of no others") {
  const std::vector<std::string> hidden{"token", "api_key"};
  struct Case {
    std::string_view query;
    std::string_view shown;
  };
  const Case cases[] = {
      {"", ""},
      {"page=2", "page=2"},
      {"token=a", "token=***"},
      {"page=2&token=a&q=b", "page=2&token=***&q=b"},
      {"token=a&token=b=c", "token=***&token=***"},
      {"api_key=a&&token", "api_key=***&&token"},
      {"token=", "token="},
      {"mytoken=a&tokens=b&Token=c", "mytoken=a&tokens=b&Token=c"},
      {"%74oke%6E=a", "%74oke%6E=***"},
      {"&token=a&", "&token=***&"},
      {"q=token=a", "q=token=a"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.query);
    std::string room;
    CHECK(redact_query(c.query, hidden, room) == c.shown);
  }
  std::string room;
  CHECK(redact_url("https://a/b?token=c", hidden, room) == "https://a/b?token=***");
  CHECK(redact_url("https://a/token=c", hidden, room) == "https://a/token=c");
}

TEST_CASE("AccessLog: no format shows credentials, cookies, or what a setting hides") {
  const http::RequestHead request = make_request();
  for (const config::LogFormat format :
       {config::LogFormat::json, config::LogFormat::text, config::LogFormat::combined}) {
    config::Settings settings;
    settings.log_format = format;
    LineSource lines(1 << 16, -1);
    AccessLog log(settings, lines);
    log.write(make_hit(request));
    const std::string line = read(lines);
    CAPTURE(line);
    CHECK(line.find("/api/a/") != std::string::npos);
    CHECK(line.find("page=2&token=***&q=a") != std::string::npos);
    CHECK(line.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("AccessLog: combined, as tools read it") {
  const http::RequestHead request = make_request();
  config::Settings settings;
  settings.log_format = config::LogFormat::combined;
  LineSource lines(1 << 16, -1);
  AccessLog log(settings, lines);
  session::ExchangeRecord record = make_hit(request);
  record.began = std::chrono::system_clock::time_point(std::chrono::milliseconds(784'111'777'042));
  record.content_sent = 12;
  log.write(record);
  CHECK(read(lines) ==
        "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /api/a/?page=2&token=***&q=a HTTP/1.1\" "
        "200 12 \"https://a.example/x?to%6ben=***\" \"a \\x22browser\\x22\" HIT\n");
  session::ExchangeRecord refused;
  refused.peer = "unix";
  refused.status = 400;
  refused.began = record.began;
  log.write(refused);
  CHECK(read(lines) == "unix - - [06/Nov/1994:08:49:37 +0000] \"-\" 400 0 \"-\" \"-\" BYPASS\n");
}

TEST_CASE("AccessLog: of hits a sample, of all else each one") {
  const http::RequestHead request;
  config::Settings settings;
  settings.log_format = config::LogFormat::json;
  settings.log_sample = 100'000;
  LineSource lines(1 << 20, -1);
  AccessLog log(settings, lines);
  const auto count = [&] {
    const std::string text = read(lines);
    return std::count(text.begin(), text.end(), '\n');
  };
  session::ExchangeRecord record = make_hit(request);
  for (int i = 0; i < 1000; ++i) log.write(record);
  const auto sampled = count();
  CHECK(sampled >= 98);
  CHECK(sampled <= 102);
  record.cache.result = policy::CacheResult::miss;
  for (int i = 0; i < 100; ++i) log.write(record);
  CHECK(count() == 100);
  record = make_hit(request);
  record.cut_off = true;
  for (int i = 0; i < 100; ++i) log.write(record);
  CHECK(count() == 100);
  record = make_hit(request);
  settings.log_sample = 0;
  for (int i = 0; i < 100; ++i) log.write(record);
  CHECK(count() == 0);
  settings.log_sample = 1'000'000;
  for (int i = 0; i < 100; ++i) log.write(record);
  CHECK(count() == 100);
  settings.access_log = false;
  log.write(record);
  CHECK(count() == 0);
}

}  // namespace
}  // namespace larder::ops
