#include "store/hot_keys.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace larder::store {

namespace {

constexpr std::string_view format_name = "1";
constexpr std::size_t counted_for_one = 4;
constexpr std::size_t most_rule_tags = 64;

void append(std::string& text, std::string_view part) {
  text.append(std::to_string(part.size())).append(":").append(part).append(",");
}

std::optional<std::size_t> parse_number(std::string_view digits) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return number;
}

/// The next netstring, which is taken from `text`.
std::optional<std::string_view> take(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::optional<std::size_t> size = parse_number(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 1);
  if (!size || *size >= rest.size() || rest[*size] != ',') return {};
  text = rest.substr(*size + 1);
  return rest.substr(0, *size);
}

}  // namespace

std::string format_hot_key(std::string_view key, const Resource& resource) {
  std::string text;
  append(text, format_name);
  for (const std::string_view part : {key, resource.rule, resource.path, resource.user})
    append(text, part);
  append(text, std::to_string(resource.most_variants));
  for (const std::string& tag : resource.rule_tags) append(text, tag);
  return text;
}

std::optional<HotKey> parse_hot_key(std::string_view text) {
  if (text.size() > longest_hot_key) return {};
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::optional<std::string_view> part = take(text);
    if (!part || parts.size() == 6 + most_rule_tags) return {};
    parts.emplace_back(*part);
  }
  if (parts.size() < 6 || parts[0] != format_name || parts[1].empty()) return {};
  const std::optional<std::size_t> most_variants = parse_number(parts[5]);
  if (!most_variants) return {};
  return HotKey{.key = std::move(parts[1]),
                .rule = std::move(parts[2]),
                .path = std::move(parts[3]),
                .user = std::move(parts[4]),
                .most_variants = *most_variants,
                .rule_tags = {std::make_move_iterator(parts.begin() + 6),
                              std::make_move_iterator(parts.end())}};
}

void HotKeys::note(std::string_view key, const Resource& resource) {
  const auto known = counts_.find(key);
  if (known != counts_.end()) {
    if (known->second.count < std::numeric_limits<std::uint32_t>::max()) ++known->second.count;
    return;
  }
  std::string text = format_hot_key(key, resource);
  if (text.size() > longest_hot_key) return;
  if (counts_.size() >= counted_for_one * most_) halve();
  // All of them are hot: what is new has to wait until they are less so.
  if (counts_.size() >= counted_for_one * most_) return;
  counts_.emplace(key, Counted{std::move(text), 1});
}

std::vector<HotKeys::Hot> HotKeys::hottest() const {
  std::vector<Hot> hottest;
  hottest.reserve(counts_.size());
  for (const auto& [key, counted] : counts_) hottest.push_back({counted.text, counted.count});
  const std::size_t count = std::min(most_, hottest.size());
  std::partial_sort(hottest.begin(), hottest.begin() + static_cast<std::ptrdiff_t>(count),
                    hottest.end(), [](const Hot& a, const Hot& b) { return a.count > b.count; });
  hottest.resize(count);
  return hottest;
}

void HotKeys::halve() {
  for (auto& [key, counted] : counts_) counted.count /= 2;
  std::erase_if(counts_, [](const auto& counted) { return counted.second.count == 0; });
}

}  // namespace larder::store
