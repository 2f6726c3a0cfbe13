// Route index: which rule a path falls under, found in one walk along the path instead of rule by
// rule.
//
// A trie of the patterns' segments. What a segment with converters takes is not decided here: the
// walk only finds who may match, and the pattern itself is asked (path_pattern). First match wins,
// so a branch whose every rule stands behind one that has matched is not entered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/route.hpp"

namespace larder::policy {

class RouteIndex {
 public:
  /// `rules` must stay where they are, unchanged, for as long as this and what it matches is used.
  explicit RouteIndex(const std::vector<RouteRule>& rules);

  /// `path` in the normal form of http/target. The rule is none when no rule matches.
  [[nodiscard]] RouteMatch match(std::string_view path) const;

 private:
  /// A pattern is known by its place in the file; the lower one wins.
  using Order = std::uint32_t;
  using NodeIndex = std::uint32_t;

  struct Pattern {
    const RouteRule* rule;
    const PathPattern* pattern;
    bool wants_parameters;  ///< the rule's key or tags name some
  };

  /// Where a walk is after some segments.
  struct Node {
    std::vector<std::pair<std::string, NodeIndex>> literals;  ///< sorted, the shorter first
    NodeIndex converted = 0;        ///< for a segment with a converter in it; 0: there is none
    std::vector<Order> ends;        ///< patterns that end here
    std::vector<Order> open_ended;  ///< whose next segment holds a <path:>, which takes any number
    Order first = ~Order{0};        ///< the lowest here or below
  };

  void add(Order order, const PathPattern& pattern);
  NodeIndex literal_child(NodeIndex node, std::string_view segment);
  NodeIndex converted_child(NodeIndex node);
  /// Zero: there is none.
  [[nodiscard]] static NodeIndex find_literal(const Node& node, std::string_view segment);
  /// From a node on, with the path's segment that begins at `at`. A path of so many bytes has one
  /// that begins at its end, empty, and none behind it.
  void walk(NodeIndex index, std::size_t at, std::string_view path, Order& best) const;
  void try_each(const std::vector<Order>& orders, std::string_view path, Order& best) const;

  std::vector<Pattern> patterns_;
  std::vector<Node> nodes_;
};

}  // namespace larder::policy
