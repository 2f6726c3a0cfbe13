// Oracle: what every fuzz target here does with a promise that is broken, and how inputs are cut.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/request_head.hpp"

namespace larder::fuzz {

inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// A copy in memory of its own size, where a look too far is seen.
class Exact {
 public:
  explicit Exact(std::string_view bytes)
      : size_(bytes.size()), bytes_(std::make_unique<char[]>(bytes.size())) {
    if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

/// Places to cut an input of `size`, from its own bytes, so that a finding repeats itself.
inline std::vector<std::size_t> cuts_of(std::string_view bytes) {
  std::uint64_t state = 88172645463325252u + bytes.size();
  for (const char c : bytes) state = state * 31 + static_cast<unsigned char>(c);
  std::vector<std::size_t> cuts;
  std::size_t at = 0;
  while (true) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    at += state % 19 + 1;
    if (at >= bytes.size()) return cuts;
    cuts.push_back(at);
  }
}

/// What a scanner says of bytes that arrive up to each cut, and then whole.
struct Scan {
  http::HeadScanner::State state = http::HeadScanner::State::need_more;
  http::HeadError error = http::HeadError::none;
  std::size_t end = 0;
  bool operator==(const Scan&) const = default;
};

inline Scan scan(std::string_view bytes, std::vector<std::size_t> cuts,
                 const http::HeadLimits& limits) {
  http::HeadScanner scanner;
  cuts.push_back(bytes.size());
  Scan result;
  for (const std::size_t cut : cuts) {
    const Exact part(bytes.substr(0, cut));
    result.state = scanner.scan(part.view(), limits);
    if (result.state != http::HeadScanner::State::need_more) break;
  }
  result.error = scanner.error();
  result.end = scanner.end();
  return result;
}

inline bool same_fields(const http::Fields& a, const http::Fields& b) {
  if (a.size() != b.size()) return false;
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    if (i->id != j->id || i->name != j->name || i->value != j->value) return false;
  }
  return true;
}

}  // namespace larder::fuzz
