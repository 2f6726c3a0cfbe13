// Span exporter: spans of traced requests to an OpenTelemetry collector (OTLP 1.0 over HTTP, JSON).
//
// Each thread adds to a queue of its own; a thread of the exporter's empties them once a second and
// posts what it found, each post with a deadline. What a collector that is slow or away does not
// take is dropped and counted: nobody waits for it. At the end what is left is posted once more.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/config.hpp"
#include "ops/stats.hpp"
#include "session/record.hpp"

namespace larder::ops {

/// A request that was answered, as its span tells it. Text is printable ASCII.
struct ExportedSpan {
  std::string trace_id;
  std::string id;
  std::string parent_id;  ///< empty: the trace begins with it
  std::chrono::system_clock::time_point began{};
  std::chrono::nanoseconds took{0};
  std::string method;
  std::string path;
  std::string query;  ///< redacted; empty: none
  std::string host;
  std::string peer;
  std::string rule;  ///< empty: none matched
  std::string request_id;
  std::string_view outcome;
  std::string_view detail;  ///< empty: none
  std::uint16_t status = 0;
};

class SpanQueue {
 public:
  static constexpr std::size_t capacity = 2048;

  explicit SpanQueue(const std::vector<std::string>& hidden) : hidden_(hidden) {}
  SpanQueue(const SpanQueue&) = delete;
  SpanQueue& operator=(const SpanQueue&) = delete;

  /// The record has a span.
  void add(const session::ExchangeRecord& record);
  [[nodiscard]] std::vector<ExportedSpan> take();
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const std::vector<std::string>& hidden_;  ///< names of query parameters
  std::mutex mutex_;                        ///< one thread adds, and once a second one takes
  std::vector<ExportedSpan> spans_;
  std::atomic<std::uint64_t> dropped_{0};
};

/// ExportTraceServiceRequest in JSON.
[[nodiscard]] std::string format_spans(const std::vector<ExportedSpan>& spans);

class SpanExporter {
 public:
  /// `settings` names a collector, and outlives this.
  SpanExporter(const config::Settings& settings, std::size_t threads);
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;
  /// Posts what is left. Takes no longer than two deadlines.
  ~SpanExporter();

  [[nodiscard]] SpanQueue& queue(std::size_t thread) { return *queues_[thread]; }
  [[nodiscard]] SpanStatus status() const;

 private:
  void run();
  void export_all();
  /// What went wrong in words; empty: the collector has taken them.
  [[nodiscard]] std::string post(std::string content) const;
  void say(const std::string& wrong);

  const config::Otlp& settings_;
  std::vector<std::unique_ptr<SpanQueue>> queues_;
  std::atomic<std::uint64_t> exported_{0};
  std::atomic<std::uint64_t> lost_{0};  ///< not taken by the collector
  std::string wrong_;                   ///< as the log has it; empty: all is well
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace larder::ops
