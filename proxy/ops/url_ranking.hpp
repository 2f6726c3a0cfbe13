// URL ranking: which URLs the origin is asked for most often, and which take it longest.
//
// Space-Saving (Metwally, Agrawal, El Abbadi, ICDT 2005): a bounded table in which a newcomer takes
// the place, and the count, of whoever has the least. What is asked for often is surely there; its
// count is too high by at most `over`.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "session/record.hpp"

namespace larder::ops {

struct RankedUrl {
  std::string method;
  std::string url;           ///< path and query, cut off at UrlRanking::longest
  std::string origin;        ///< "https://api.example.com", of the last one
  std::string rule;          ///< empty: none
  std::uint64_t misses = 0;  ///< requests that went to the origin
  std::uint64_t over = 0;    ///< of those, at most so many are another URL's
  std::chrono::nanoseconds slowest{0};
  std::chrono::nanoseconds together{0};  ///< of those counted under this name
  policy::CacheOutcome last{};           ///< what became of the last one; its key is not told
  std::uint16_t last_status = 0;         ///< as sent; 0: nothing was
  session::FetchFailure last_failure = session::FetchFailure::none;
  std::chrono::system_clock::time_point last_ended{};
};

/// Thread-safe. Of requests that were answered from the store it hears nothing.
class UrlRanking {
 public:
  static constexpr std::size_t most = 256;
  static constexpr std::size_t longest = 256;  ///< bytes of a URL

  void note(const session::ExchangeRecord& record);
  /// At most `count`, the first being asked for most often, or the slowest.
  [[nodiscard]] std::vector<RankedUrl> most_missed(std::size_t count) const;
  [[nodiscard]] std::vector<RankedUrl> slowest(std::size_t count) const;
  /// `query`: without "?", and as it is shown. Nothing: none has gone to the origin, or not lately.
  [[nodiscard]] std::optional<RankedUrl> find(std::string_view method, std::string_view path,
                                              std::string_view query) const;
  /// Under which clients asked last; empty: nobody has.
  [[nodiscard]] std::string last_origin() const;

 private:
  template <typename Before>
  [[nodiscard]] std::vector<RankedUrl> sorted(std::size_t count, Before before) const;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> places_;  ///< by method and URL
  std::vector<RankedUrl> urls_;
  std::size_t last_ = 0;  ///< place of the last one noted
};

/// A JSON object: {"most_missed": [...], "slowest": [...]}, times in seconds.
[[nodiscard]] std::string format_json(const UrlRanking& ranking);

}  // namespace larder::ops
