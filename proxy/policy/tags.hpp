// Tags: what a response belongs to, and what a write makes old (design: "Eviction: stamps").
//
// A tag is short text: "p:/api/models" (a resource, without final slash, without host and query),
// "b:/api" (everything below that path), "r:ai-models" (a rule), "u:notes=5f1c..." (what one user
// gets under a rule whose resources only their owner writes). A rule's own `tags` and what
// responses name are "t:user:7" (policy/rule_tags, policy/named_tags).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "http/message.hpp"
#include "identity/identifier.hpp"
#include "policy/route.hpp"

namespace larder::policy {

using Tags = std::vector<std::string>;

/// Tags as one text, to be made anew for each lookup, in room that is used again: as a vector of
/// strings they took a hit from Redis some 900 instructions more (tests/bench/gates).
class TagText {
 public:
  void clear() {
    text_.clear();
    ends_.clear();
  }
  void add(std::string_view prefix, std::string_view rest = {}) {
    const std::size_t begin = text_.size();
    text_.resize(begin + prefix.size() + rest.size(), boost::container::default_init);
    const auto place = std::copy(prefix.begin(), prefix.end(), text_.data() + begin);
    std::copy(rest.begin(), rest.end(), place);
    ends_.push_back(static_cast<std::uint32_t>(text_.size()));
  }

  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {text_.data() + begin, ends_[i] - begin};
  }
  [[nodiscard]] Tags to_vector() const;

 private:
  boost::container::small_vector<char, 256> text_;
  boost::container::small_vector<std::uint32_t, 16> ends_;  ///< of each
};

/// What a response of `path` under `rule` belongs to: its resource, its rule, and all it lies
/// below. Nothing when these were more than `maximum_tags`: a deeper path is not stored (see
/// may_be_tagged). `user`: of a rule with WrittenBy::owner, the digest of whom it is for, which
/// makes one tag more; empty otherwise. `rule_tags`: what the rule's `tags` come to
/// (make_rule_tags), at most `most_rule_tags` more.
[[nodiscard]] Tags tags_of_response(std::string_view rule, std::string_view path,
                                    std::string_view user = {},
                                    std::span<const std::string> rule_tags = {});
/// The same, behind what is there. False: nothing, and nothing was added.
bool add_tags_of_response(std::string_view rule, std::string_view path, std::string_view user,
                          std::span<const std::string> rule_tags, TagText& tags);
/// What somebody names by a path: the resource alone and, with `below`, all that lies below it.
/// Every path a server may take it for counts. Empty: deeper than what is stored.
[[nodiscard]] Tags tags_of_path(std::string_view path, bool below);
inline constexpr std::size_t maximum_tags = 24;
[[nodiscard]] bool may_be_tagged(std::string_view path);

/// A number without its leading zeros, since Django takes "07" for 7; any other text as it is.
[[nodiscard]] std::string_view canonical_number(std::string_view text);

/// Nothing stored can be concerned: Redis is left alone.
struct NothingToEvict {
  enum class Reason : std::uint8_t { safe_method, no_rule_concerned, refused_by_origin };
  Reason reason = Reason::no_rule_concerned;
  bool operator==(const NothingToEvict&) const = default;
};
struct Evict {
  Tags tags;  ///< sorted, without repeats
  bool operator==(const Evict&) const = default;
};
using EvictionDecision = std::variant<NothingToEvict, Evict>;

/// What a request with this method on this raw path makes old should it succeed: its resource, the
/// collections above it, what lies below it (not for POST), rules whose `evict_on` names it, and
/// what is related to any of these by the `tags` of their rules (append_tags_made_old). Every path
/// a server may take `path` for counts (http::possible_paths).
///
/// `writer`: who writes; null: not known. Of a rule with WrittenBy::owner the writer's own
/// responses are evicted, all of them under that rule, unless the same person may read under
/// another identity. `request`: the write itself, whose query and fields fill in the `tags`; null
/// for a resource that the answer to a write names, of which they say nothing.
[[nodiscard]] EvictionDecision decide_eviction(const Routes& routes, http::Method method,
                                               std::string_view method_text, std::string_view path,
                                               const identity::Identity* writer = nullptr,
                                               const http::RequestHead* request = nullptr);
/// Does it matter to any rule who writes?
[[nodiscard]] bool is_writer_asked_for(const Routes& routes);

/// Does an answer with this status mean that something may have changed? 4xx does not: otherwise
/// anyone could empty the cache. No status (outcome unknown) does.
[[nodiscard]] bool may_have_changed(std::uint16_t status);
/// Could what such an answer is about be carried out yet? A gateway says 502 and 504 of an
/// application that it has given up, and that works on.
[[nodiscard]] bool may_change_yet(std::uint16_t status);

}  // namespace larder::policy
