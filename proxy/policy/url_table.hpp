// URL table: a bounded number of distinct URLs, those that are asked for most.
//
// What has to go to make room is the one that was asked for least, of a few that are looked at
// (Redis evicts so); how many requests went with it stays known by the kind of its path, so that
// nobody takes what was kept for all there was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/shadow.hpp"

namespace larder::policy {

/// Names one URL for as long as it is kept: the place may be given to another afterwards.
struct UrlId {
  std::uint32_t place = 0;
  std::uint32_t turn = 0;
  bool operator==(const UrlId&) const = default;
};

struct KnownUrl {
  std::string_view path;
  std::string_view query;  ///< without "?"
  std::uint64_t requests = 0;
};

/// URLs that were let go, or never kept, whose paths are alike but for their last segment.
struct DroppedUrls {
  std::string path;  ///< of one of them
  std::uint64_t urls = 0;
  std::uint64_t requests = 0;
};

class UrlTable {
 public:
  explicit UrlTable(std::size_t capacity) : capacity_(capacity) {}

  /// Counts a request. Nothing is kept of a longer URL than `longest`: then the id finds nothing.
  UrlId note(std::string_view path, std::string_view query, Moment at);
  [[nodiscard]] bool has(UrlId id) const {
    return id.place < places_.size() && places_[id.place].turn == id.turn;
  }
  [[nodiscard]] KnownUrl at(UrlId id) const;
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// By kind; those beyond `most_kinds` are together under an empty path.
  [[nodiscard]] std::vector<DroppedUrls> dropped() const;

  static constexpr std::size_t longest = 512;
  static constexpr std::size_t most_kinds = 1024;

 private:
  struct Place {
    std::string text;  ///< path, "?", query
    std::size_t path_size = 0;
    std::uint64_t requests = 0;
    Moment asked{};
    std::uint32_t turn = 0;
  };

  [[nodiscard]] std::uint32_t choose_least();
  void drop(std::string_view path, std::uint64_t requests);

  const std::size_t capacity_;
  std::vector<Place> places_;
  std::unordered_map<std::size_t, std::uint32_t> index_;  ///< hash of its text -> place
  std::map<std::string, DroppedUrls, std::less<>> dropped_;
  std::uint64_t drawn_ = 1;
  std::string text_;  ///< of the URL that is looked for
};

}  // namespace larder::policy
