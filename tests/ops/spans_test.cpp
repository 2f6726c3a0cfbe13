#include <string>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "ops/span_exporter.hpp"

namespace larder::ops {
namespace {

constexpr std::string_view caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_CASE("format_spans: what a collector reads") {
  session::Random random;
  http::Fields fields;
  fields.add(http::FieldName::traceparent, caller);
  const std::optional<session::Span> span = session::begin_span(fields, 0, random);
  REQUIRE(span);
  session::RequestId id;
  id.take_or_make({}, random);
  session::ExchangeRecord record;
  record.began = std::chrono::system_clock::time_point(std::chrono::milliseconds(784'111'777'042));
  record.took = std::chrono::milliseconds(1500);
  record.method = "GET";
  record.path = "/caf\xc3\xa9/";
  record.query = "token=s3cret";
  record.rule = "a";
  record.status = 502;
  record.id = &id;
  record.span = &*span;
  const std::vector<std::string> hidden{"token"};
  SpanQueue queue(hidden);
  queue.add(record);
  const std::vector<ExportedSpan> spans = queue.take();
  REQUIRE(spans.size() == 1);
  CHECK(queue.take().empty());

  const std::string text = format_spans(spans);
  CHECK(text.find("s3cret") == std::string::npos);
  const boost::json::value json = boost::json::parse(text);
  const boost::json::object& told =
      json.at_pointer("/resourceSpans/0/scopeSpans/0/spans/0").as_object();
  CHECK(told.at("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(told.at("parentSpanId") == "00f067aa0ba902b7");
  CHECK(told.at("spanId") == boost::json::string_view(span->id()));
  CHECK(told.at("name") == "GET a");
  CHECK(told.at("kind") == 2);
  CHECK(told.at("startTimeUnixNano") == "784111777042000000");
  CHECK(told.at("endTimeUnixNano") == "784111778542000000");
  CHECK(told.at("status").at("code") == 2);
  CHECK(text.find(R"({"key":"url.path","value":{"stringValue":"/caf%C3%A9/"}})") !=
        std::string::npos);
  CHECK(text.find(R"({"key":"url.query","value":{"stringValue":"token=***"}})") !=
        std::string::npos);
  CHECK(text.find(R"({"key":"http.response.status_code","value":{"intValue":"502"}})") !=
        std::string::npos);
}

TEST_CASE("SpanQueue: what is too many is dropped and counted") {
  session::Random random;
  const session::Span span(nullptr, random);
  session::ExchangeRecord record;
  record.span = &span;
  const std::vector<std::string> hidden;
  SpanQueue queue(hidden);
  for (std::size_t i = 0; i < SpanQueue::capacity + 3; ++i) queue.add(record);
  CHECK(queue.dropped() == 3);
  CHECK(queue.take().size() == SpanQueue::capacity);
}

}  // namespace
}  // namespace larder::ops
