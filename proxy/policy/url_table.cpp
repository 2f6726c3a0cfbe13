#include "policy/url_table.hpp"

#include <functional>
#include <tuple>

#include "policy/path_shape.hpp"

namespace larder::policy {

namespace {

constexpr UrlId nowhere{~std::uint32_t{0}, 0};

/// The shape of the path without what its last segment is.
std::string kind_of(std::string_view path) {
  std::string shape = path_shape(path);
  const bool has_slash = shape.size() > 1 && shape.back() == '/';
  if (has_slash) shape.pop_back();
  shape.erase(shape.rfind('/') + 1);
  return shape + (has_slash ? "*/" : "*");
}

}  // namespace

UrlId UrlTable::note(std::string_view path, std::string_view query, Moment at) {
  if (path.size() + query.size() >= longest || capacity_ == 0) {
    drop(path, 1);
    return nowhere;
  }
  text_.assign(path).append("?").append(query);
  const std::size_t hash = std::hash<std::string>()(text_);
  if (const auto known = index_.find(hash); known != index_.end()) {
    Place& place = places_[known->second];
    if (place.text != text_) {
      drop(path, 1);
      return nowhere;
    }
    ++place.requests;
    place.asked = at;
    return {known->second, place.turn};
  }
  std::uint32_t at_place = static_cast<std::uint32_t>(places_.size());
  if (places_.size() < capacity_) {
    places_.emplace_back();
  } else {
    at_place = choose_least();
    Place& least = places_[at_place];
    drop(std::string_view(least.text).substr(0, least.path_size), least.requests);
    index_.erase(std::hash<std::string>()(least.text));
    ++least.turn;
  }
  Place& place = places_[at_place];
  place.text = text_;
  index_.emplace(hash, at_place);
  place.path_size = path.size();
  place.requests = 1;
  place.asked = at;
  return {at_place, place.turn};
}

KnownUrl UrlTable::at(UrlId id) const {
  const Place& place = places_[id.place];
  const std::string_view text = place.text;
  return {text.substr(0, place.path_size), text.substr(place.path_size + 1), place.requests};
}

std::uint32_t UrlTable::choose_least() {
  constexpr int looked_at = 16;
  std::uint32_t least = 0;
  for (int i = 0; i < looked_at; ++i) {
    // Knuth's multiplier (MMIX); its upper bits are random enough for this.
    drawn_ = drawn_ * 6364136223846793005U + 1442695040888963407U;
    const auto candidate = static_cast<std::uint32_t>((drawn_ >> 33) % places_.size());
    const auto worth = [&](std::uint32_t at) {
      return std::tuple(places_[at].requests, places_[at].asked);
    };
    if (i == 0 || worth(candidate) < worth(least)) least = candidate;
  }
  return least;
}

void UrlTable::drop(std::string_view path, std::uint64_t requests) {
  std::string kind = path.size() >= longest ? std::string() : kind_of(path);
  if (dropped_.size() >= most_kinds && !dropped_.contains(kind)) kind.clear();
  DroppedUrls& dropped = dropped_[kind];
  if (dropped.path.empty() && !kind.empty()) dropped.path = path;
  ++dropped.urls;
  dropped.requests += requests;
}

std::vector<DroppedUrls> UrlTable::dropped() const {
  std::vector<DroppedUrls> list;
  for (const auto& [kind, dropped] : dropped_) list.push_back(dropped);
  return list;
}

}  // namespace larder::policy
