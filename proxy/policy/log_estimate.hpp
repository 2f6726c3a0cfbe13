// Log estimate: what rules would have spared the origin, as far as an access log can tell.
//
// A log says which URLs were asked for when, and what was written to. It does not say what an
// answer said nor who asked: neither how long it may be kept nor who may share it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.hpp"
#include "policy/route.hpp"
#include "policy/url_table.hpp"

namespace larder::policy {

struct LoggedRequest {
  http::Method method = http::Method::get;
  std::string_view method_text{};
  std::string_view path{};  ///< as sent
  std::string_view query{};
  std::uint16_t status = 0;
  Moment moment{};
};

/// Hits are foretold for each of these.
inline constexpr std::array<seconds, 5> logged_ttls{seconds{10}, seconds{60}, seconds{300},
                                                    seconds{3600}, seconds{24 * 3600}};

struct LoggedPattern {
  std::string pattern;
  std::uint64_t requests = 0;  ///< GETs, those of URLs that were dropped too
  std::uint64_t urls = 0;
  std::array<std::uint64_t, logged_ttls.size()> hits{};
  std::uint64_t evictions = 0;       ///< misses since a write to its own path, at the longest ttl
  std::vector<std::string> ignored;  ///< trackers that were left out of the key
  bool is_widened = false;
};

struct LogReport {
  std::vector<LoggedPattern> patterns;  ///< narrower ones first
  std::uint64_t gets = 0;
  std::uint64_t writes = 0;
  std::uint64_t others = 0;     ///< HEAD, OPTIONS
  std::uint64_t unwell = 0;     ///< GETs of paths that never answered 200 or 304
  std::uint64_t ambiguous = 0;  ///< GETs of paths that servers read in different ways
  std::uint64_t dropped = 0;    ///< GETs of URLs that there was no room for
  std::chrono::milliseconds observed{0};
};

class LogEstimate {
 public:
  explicit LogEstimate(std::size_t most_urls);

  /// In the order of the log.
  void note(const LoggedRequest& request);
  [[nodiscard]] LogReport report() const;

  static constexpr std::size_t most_evicted_tags = 65'536;

 private:
  struct Seen {
    std::uint32_t turn = 0;
    bool is_well = false;
    bool has_been_stored = false;
    std::array<Moment, logged_ttls.size()> filled{};
    std::array<std::uint32_t, logged_ttls.size()> hits{};
    std::uint32_t evictions = 0;
    std::vector<std::size_t> tags;  ///< hashes
    std::vector<std::string> ignored;
  };
  void note_get(const LoggedRequest& request);
  void note_write(const LoggedRequest& request);
  [[nodiscard]] bool is_evicted(const Seen& seen, Moment since) const;

  Routes everything_;  ///< a rule that every write may concern
  UrlTable urls_;
  std::vector<Seen> seen_;  ///< by place
  std::unordered_map<std::size_t, Moment> evicted_;
  Moment all_evicted_{};
  LogReport counts_;
  Moment first_{};
  Moment last_{};
};

}  // namespace larder::policy
