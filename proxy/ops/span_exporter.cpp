#include "ops/span_exporter.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include "ops/redaction.hpp"
#include "store/io.hpp"

namespace larder::ops {

namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds gathering_time{1};
constexpr std::chrono::seconds deadline{3};
constexpr std::size_t most_at_once = 512;
constexpr std::uint64_t most_answered = 64 * 1024;
constexpr auto as_result = asio::as_tuple(use_awaitable);

/// JSON is UTF-8, which what a client sent need not be.
std::string printable(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      shown += c;
    } else {
      shown.append({'%', hex[byte >> 4], hex[byte & 15]});
    }
  }
  return shown;
}

void add(json::array& attributes, std::string_view key, std::string_view value) {
  if (!value.empty()) attributes.push_back({{"key", key}, {"value", {{"stringValue", value}}}});
}

/// 64-bit numbers are text in Protocol Buffers' JSON.
std::string nanoseconds_since_1970(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

// Names of attributes: OpenTelemetry's semantic conventions for HTTP, and Larder's own.
json::object describe(const ExportedSpan& span) {
  constexpr int server_kind = 2;
  constexpr int error = 2;
  json::array attributes;
  add(attributes, "http.request.method", span.method);
  add(attributes, "url.path", span.path);
  add(attributes, "url.query", span.query);
  add(attributes, "server.address", span.host);
  add(attributes, "client.address", span.peer);
  if (span.status > 0)
    attributes.push_back({{"key", "http.response.status_code"},
                          {"value", {{"intValue", std::to_string(span.status)}}}});
  add(attributes, "larder.rule", span.rule);
  add(attributes, "larder.outcome", span.outcome);
  add(attributes, "larder.detail", span.detail);
  add(attributes, "larder.request_id", span.request_id);
  json::object object;
  object["traceId"] = span.trace_id;
  object["spanId"] = span.id;
  if (!span.parent_id.empty()) object["parentSpanId"] = span.parent_id;
  object["name"] = span.rule.empty() ? span.method : span.method + " " + span.rule;
  object["kind"] = server_kind;
  object["startTimeUnixNano"] = nanoseconds_since_1970(span.began);
  object["endTimeUnixNano"] = nanoseconds_since_1970(
      span.began + std::chrono::duration_cast<std::chrono::system_clock::duration>(span.took));
  object["attributes"] = std::move(attributes);
  if (span.status == 0 || span.status >= 500) object["status"] = {{"code", error}};
  return object;
}

}  // namespace

// --- A thread's side -----------------------------------------------------------------------------

void SpanQueue::add(const session::ExchangeRecord& record) {
  std::string room;
  ExportedSpan span{.trace_id = std::string(record.span->trace_id()),
                    .id = std::string(record.span->id()),
                    .parent_id = std::string(record.span->parent_id()),
                    .began = record.began,
                    .took = record.took,
                    .method = printable(record.method),
                    .path = printable(record.path),
                    .query = printable(redact_query(record.query, hidden_, room)),
                    .host = printable(record.host),
                    .peer = std::string(record.peer),
                    .rule = std::string(record.rule),
                    .request_id = std::string(record.id ? record.id->text() : std::string_view()),
                    .outcome = format_outcome(record.cache.result),
                    .detail = record.cache.detail == policy::Detail::none
                                  ? std::string_view()
                                  : policy::format_detail(record.cache.detail),
                    .status = record.status};
  const std::scoped_lock lock(mutex_);
  if (spans_.size() >= capacity) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  spans_.push_back(std::move(span));
}

std::vector<ExportedSpan> SpanQueue::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(spans_, {});
}

std::string format_spans(const std::vector<ExportedSpan>& spans) {
  json::array list;
  for (const ExportedSpan& span : spans) list.push_back(describe(span));
  json::array attributes;
  add(attributes, "service.name", "larder");
  add(attributes, "service.version", LARDER_VERSION);
  const json::object scope{{"scope", {{"name", "larder"}, {"version", LARDER_VERSION}}},
                           {"spans", std::move(list)}};
  const json::object resource{{"resource", {{"attributes", std::move(attributes)}}},
                              {"scopeSpans", json::array{scope}}};
  return json::serialize(json::object{{"resourceSpans", json::array{resource}}});
}

// --- The exporter's own thread -------------------------------------------------------------------

SpanExporter::SpanExporter(const config::Settings& settings, std::size_t threads)
    : settings_(settings.otlp) {
  for (std::size_t i = 0; i < threads; ++i)
    queues_.push_back(std::make_unique<SpanQueue>(settings.log_hidden));
  thread_ = std::thread([this] { run(); });
}

SpanExporter::~SpanExporter() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_one();
  thread_.join();
}

SpanStatus SpanExporter::status() const {
  SpanStatus status{exported_.load(), lost_.load()};
  for (const std::unique_ptr<SpanQueue>& queue : queues_) status.dropped += queue->dropped();
  return status;
}

void SpanExporter::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    stopping_.wait_for(lock, gathering_time, [this] { return stopped_; });
    lock.unlock();
    export_all();
    lock.lock();
  }
}

void SpanExporter::export_all() {
  std::vector<ExportedSpan> spans;
  for (const std::unique_ptr<SpanQueue>& queue : queues_) {
    std::vector<ExportedSpan> taken = queue->take();
    std::move(taken.begin(), taken.end(), std::back_inserter(spans));
  }
  // One that failed is not followed by others that would take as long to fail.
  std::string wrong = wrong_;
  while (!spans.empty()) {
    const auto end =
        spans.begin() + static_cast<std::ptrdiff_t>(std::min(spans.size(), most_at_once));
    const std::vector<ExportedSpan> batch(std::move_iterator(spans.begin()),
                                          std::move_iterator(end));
    spans.erase(spans.begin(), end);
    wrong = post(format_spans(batch));
    (wrong.empty() ? exported_ : lost_).fetch_add(batch.size());
    if (!wrong.empty()) break;
  }
  lost_.fetch_add(spans.size());
  say(wrong);
}

void SpanExporter::say(const std::string& wrong) {
  if (wrong == wrong_) return;
  if (wrong.empty()) {
    spdlog::info("the collector takes spans again");
  } else {
    spdlog::warn("spans are lost, since the collector does not take them: {}", wrong);
  }
  wrong_ = wrong;
}

std::string SpanExporter::post(std::string content) const {
  using AnyTcp = asio::ip::tcp;
  const config::Endpoint& endpoint = *settings_.endpoint;
  std::string wrong = "no answer";
  asio::io_context io;
  asio::co_spawn(
      io,
      [&]() -> awaitable<void> {
        asio::ip::basic_resolver<AnyTcp, Executor> resolver(io);
        const auto [unresolved, results] = co_await resolver.async_resolve(
            endpoint.host, std::to_string(endpoint.port), as_result);
        beast::basic_stream<AnyTcp, Executor> stream(io);
        stream.expires_after(deadline);
        error_code error = unresolved;
        if (!error) {
          const auto [failure, connected] = co_await stream.async_connect(results, as_result);
          (void)connected;
          error = failure;
        }
        http::request<http::string_body> request(http::verb::post, settings_.path, 11);
        request.set(http::field::host, config::format_endpoint(endpoint));
        request.set(http::field::user_agent, "larder/" LARDER_VERSION);
        request.set(http::field::content_type, "application/json");
        request.keep_alive(false);
        request.body() = std::move(content);
        request.prepare_payload();
        if (!error) {
          const auto [failure, size] = co_await http::async_write(stream, request, as_result);
          (void)size;
          error = failure;
        }
        http::response_parser<http::string_body> answer;
        answer.body_limit(most_answered);
        if (!error) {
          beast::flat_buffer buffer;
          const auto [failure, size] = co_await http::async_read(stream, buffer, answer, as_result);
          (void)size;
          error = failure;
        }
        if (error) {
          wrong = error.message();
        } else if (answer.get().result_int() / 100 != 2) {
          wrong = "it answers " + std::to_string(answer.get().result_int());
        } else {
          wrong.clear();
        }
      },
      asio::detached);
  io.run_for(deadline + std::chrono::milliseconds(500));
  return wrong;
}

}  // namespace larder::ops
