// Record: what happened in one exchange, told once, at its end. Log lines and counters are made
// from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "policy/cache_status.hpp"
#include "session/fetch_failure.hpp"
#include "store/store.hpp"

namespace larder::session {

/// Views live as long as the call they are passed to.
struct ExchangeRecord {
  std::chrono::system_clock::time_point began{};
  std::chrono::nanoseconds took{0};
  std::string_view peer;
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::string_view query;          ///< without "?"; empty: none
  std::string_view rule;           ///< empty: none matched
  std::uint16_t status = 0;        ///< as sent; 0: nothing was
  std::uint64_t content_sent = 0;  ///< bytes
  policy::CacheOutcome cache;
  store::Tier tier = store::Tier::none;
  FetchFailure failure = FetchFailure::none;
  std::size_t evicted_tags = 0;
  bool eviction_deferred = false;
  bool cut_off = false;  ///< the client did not get all of it
};

class RecordSink {
 public:
  RecordSink() = default;
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;
  virtual ~RecordSink() = default;
  virtual void note(const ExchangeRecord& record) = 0;
};

}  // namespace larder::session
