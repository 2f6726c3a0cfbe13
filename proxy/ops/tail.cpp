#include "ops/tail.hpp"

#include <algorithm>
#include <string_view>

#include "ops/log.hpp"
#include "policy/detail_words.hpp"

namespace larder::ops {

void Tail::keep(const session::ExchangeRecord& record) {
  std::string line;
  write_line(record, LineFormat::json, line);
  if (const std::string_view why = policy::describe(record.cache); !why.empty()) {
    line.pop_back();
    line.append(R"(,"why":")").append(why).append("\"}");  // words have nothing to escape
  }
  const std::scoped_lock lock(mutex_);
  ++last_;
  decisions_.push_back(std::move(line));
  if (decisions_.size() > most) decisions_.pop_front();
}

std::string Tail::read_after(std::uint64_t seen, std::chrono::steady_clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  asked_ = now;
  is_watched_.store(true, std::memory_order_relaxed);
  // A number from a Larder before this one is as good as none.
  const std::uint64_t missed = seen > last_ ? last_ : last_ - seen;
  const std::size_t count =
      std::min(static_cast<std::size_t>(std::min<std::uint64_t>(missed, most)), decisions_.size());
  std::string json = "{\"last\":" + std::to_string(last_) + ",\"decisions\":[";
  for (auto line = decisions_.end() - static_cast<std::ptrdiff_t>(count); line != decisions_.end();
       ++line) {
    if (json.back() != '[') json += ',';
    json += *line;
  }
  return json + "]}\n";
}

void Tail::look_for_watchers(std::chrono::steady_clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  if (now - asked_ <= patience) return;
  is_watched_.store(false, std::memory_order_relaxed);
  decisions_.clear();
}

}  // namespace larder::ops
