// Observation: what was seen of GETs that no rule answers, and of the writes between them, to find
// rules from (policy/suggestion; setting `observe`).
//
// Hashes, times and URLs alone, in bounded memory. Of answers in a row that say the same to the
// same user, with no write between them, the last is counted and not kept when they lie close
// together; how close grows when there is no room, and then the oldest go. All times are passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.hpp"
#include "policy/cache_status.hpp"
#include "policy/shadow.hpp"
#include "policy/url_table.hpp"

namespace larder::policy {

/// One answer of the origin.
struct ObservedAnswer {
  std::string_view path{};  ///< in its normal form
  std::string_view query{};
  std::uint64_t credentials = 0;  ///< hash of what was sent; zero: none were
  std::uint64_t identity = 0;     ///< hash of who asks, as share: per-user tells it; zero: nobody
  std::uint32_t variant = 0;      ///< hash of host, scheme and what Accept comes to
  std::uint64_t content = 0;      ///< hash of status, Content-Type and content
  Moment asked{};
  Moment answered{};
  std::uint16_t status = 0;
  Detail obstacle = Detail::none;  ///< why it would not be stored
  bool is_comparable = true;       ///< false: `content` says nothing
  bool may_look_up = true;         ///< false: no rule answers such a request
};

struct ObservedWrite {
  http::Method method = http::Method::post;
  std::string_view method_text{};
  std::string_view path{};  ///< as sent
  Moment answered{};
};

/// An answer that is kept, with those that were folded into it.
struct SeenAnswer {
  UrlId url;
  std::uint64_t credentials = 0;
  std::uint64_t identity = 0;
  std::uint64_t content = 0;
  Moment asked{};
  std::uint32_t variant = 0;
  std::uint32_t took = 0;     ///< milliseconds
  std::uint32_t repeats = 0;  ///< folded into it
  std::uint32_t span = 0;     ///< milliseconds from `asked` to when the last of them was asked
  std::uint16_t status = 0;
  Detail obstacle = Detail::none;
  bool is_comparable = true;
  bool may_look_up = true;

  [[nodiscard]] Moment answered() const { return asked + std::chrono::milliseconds(took); }
  [[nodiscard]] std::uint64_t requests() const { return std::uint64_t{repeats} + 1; }
};

struct SeenWrite {
  http::Method method = http::Method::post;
  std::string method_text;
  std::string path;
  Moment answered{};
};

class Observations {
 public:
  /// `most_urls`: distinct URLs that are kept at most. An answer more than eight times as many, and
  /// a write more than `most_writes`, takes the place of the oldest.
  explicit Observations(std::size_t most_urls);

  void note(const ObservedAnswer& answer);
  void note(const ObservedWrite& write);

  /// In the order in which they were noted; those of URLs that are not kept any more among them.
  [[nodiscard]] const std::vector<SeenAnswer>& answers() const { return answers_; }
  [[nodiscard]] const std::deque<SeenWrite>& writes() const { return writes_; }
  [[nodiscard]] const UrlTable& urls() const { return urls_; }
  /// Since when nothing is missing but for URLs that were dropped.
  [[nodiscard]] Moment since() const { return since_; }
  [[nodiscard]] Moment until() const { return until_; }

  static constexpr std::size_t answers_per_url = 8;
  static constexpr std::size_t most_writes = 4096;
  static constexpr std::size_t longest_write_path = 256;

 private:
  [[nodiscard]] bool may_fold(const SeenAnswer& into, const SeenAnswer& answer) const;
  static void fold(SeenAnswer& into, const SeenAnswer& answer);
  void make_room();

  UrlTable urls_;
  const std::size_t most_answers_;
  std::vector<SeenAnswer> answers_;
  std::vector<std::size_t> latest_;  ///< by place of the URL: its last answer
  std::deque<SeenWrite> writes_;
  std::chrono::milliseconds window_{1'000};  ///< answers that lie so close together are folded
  Moment since_{};
  Moment until_{};
};

}  // namespace larder::policy
