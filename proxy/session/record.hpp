// Record: what happened in one exchange, fill or verification, told once, at its end. Log lines,
// counters and spans are made from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "http/message.hpp"
#include "policy/cache_status.hpp"
#include "policy/shadow.hpp"
#include "session/fetch_failure.hpp"
#include "session/request_id.hpp"
#include "session/span.hpp"
#include "store/store.hpp"

namespace larder::session {

/// Where a rule is counted: given out by name (ops/counters), so that it outlasts a reload.
using RuleSlot = std::uint16_t;
inline constexpr RuleSlot no_rule_slot = 0;      ///< no rule matched
inline constexpr RuleSlot other_rules_slot = 1;  ///< rules beyond those that are told apart
inline constexpr RuleSlot first_rule_slot = 2;

/// Views and pointers live as long as the call they are passed to.
struct ExchangeRecord {
  std::chrono::system_clock::time_point began{};
  std::chrono::nanoseconds took{0};
  std::string_view peer;
  std::string_view method;
  std::string_view scheme;  ///< that the client used, as far as is known; empty with `request` null
  std::string_view host;
  std::string_view path;
  std::string_view query;  ///< without "?"; empty: none
  std::string_view rule;   ///< empty: none matched
  RuleSlot rule_slot = no_rule_slot;
  /// The rest of it; null: there was no head that could be read.
  const http::RequestHead* request = nullptr;
  std::string_view referer;            ///< as it is to be shown; not told by the exchange itself
  const RequestId* id = nullptr;       ///< null: ids are switched off
  const RequestId* fill_id = nullptr;  ///< of the fill it led, where that has one of its own
  const Span* span = nullptr;          ///< null: none is recorded
  std::uint16_t status = 0;            ///< as sent; 0: nothing was
  std::uint64_t content_sent = 0;      ///< bytes
  policy::CacheOutcome cache;
  store::Tier tier = store::Tier::none;
  FetchFailure failure = FetchFailure::none;
  std::size_t evicted_tags = 0;
  bool purged = false;  ///< they were asked for by PURGE, not by a write
  bool eviction_deferred = false;
  bool cut_off = false;  ///< the client did not get all of it
};

/// How a fill ended.
enum class FillEnd : std::uint8_t {
  stored,      ///< the origin's answer is in the store
  freshened,   ///< the origin confirmed what was stored (304)
  found,       ///< another fill had stored it meanwhile; the origin was not asked
  not_stored,  ///< the origin's answer was not to be stored, or could not be
  failed,      ///< the origin gave no answer, or not all of it
};

struct FillRecord {
  RuleSlot rule_slot = no_rule_slot;
  FillEnd end = FillEnd::failed;
  policy::Detail detail = policy::Detail::none;  ///< why it is not stored
  FetchFailure failure = FetchFailure::none;
  /// From asking the origin to the end of its answer; zero where that was not awaited.
  std::chrono::nanoseconds origin_time{0};
};

/// A hit that was compared with what the origin says now.
struct VerificationRecord {
  RuleSlot rule_slot = no_rule_slot;
  policy::VerifiedHit::Finding finding = policy::VerifiedHit::Finding::not_judged;
  std::size_t evicted_tags = 0;  ///< of what was wrong
  bool eviction_deferred = false;
};

/// Of one thread: what its exchanges and fills tell.
class RecordSink {
 public:
  RecordSink() = default;
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;
  virtual ~RecordSink() = default;
  virtual void note(const ExchangeRecord& record) = 0;
  virtual void note(const FillRecord& record) = 0;
  virtual void note(const VerificationRecord& record) = 0;
};

}  // namespace larder::session
