#include "policy/route_index.hpp"

#include <algorithm>

namespace larder::policy {
namespace {

/// A segment of a pattern, between two "/".
struct Segment {
  std::string literal;
  bool is_converted = false;  ///< a converter is in it, or all of it
  bool is_open_ended =
      false;  ///< <path:> is in it: the segments behind it are not counted any more
};

std::vector<Segment> segments_of(const PathPattern& pattern) {
  std::vector<Segment> segments(1);
  for (const PatternPiece& piece : pattern.pieces) {
    if (!piece.name.empty()) {
      segments.back().is_converted = true;
      segments.back().is_open_ended = piece.converter == Converter::path;
      if (segments.back().is_open_ended) break;
      continue;
    }
    for (const char letter : piece.literal) {
      if (letter == '/') {
        segments.emplace_back();
      } else {
        segments.back().literal += letter;
      }
    }
  }
  return segments;
}

/// The shorter first: most comparisons then need no look at the text.
bool goes_before(const std::pair<std::string, std::uint32_t>& one, std::string_view text) {
  if (one.first.size() != text.size()) return one.first.size() < text.size();
  return one.first.compare(text) < 0;
}

bool names_parameters(const RouteRule& rule) {
  constexpr KeyPart::Kind kind = KeyPart::Kind::path_parameter;
  return rule.key.has(kind) || std::any_of(rule.tags.begin(), rule.tags.end(),
                                           [](const KeyTemplate& tag) { return tag.has(kind); });
}

}  // namespace

RouteIndex::RouteIndex(const std::vector<RouteRule>& rules) : nodes_(1) {
  for (const RouteRule& rule : rules) {
    const bool wants_parameters = names_parameters(rule);
    for (const PathPattern& pattern : rule.paths) {
      patterns_.push_back({&rule, &pattern, wants_parameters});
      add(static_cast<Order>(patterns_.size() - 1), pattern);
    }
  }
}

void RouteIndex::add(Order order, const PathPattern& pattern) {
  NodeIndex at = 0;
  // Patterns are added in order, so the first to pass through a node is its lowest.
  const auto visit = [&] { nodes_[at].first = std::min(nodes_[at].first, order); };
  visit();
  for (const Segment& segment : segments_of(pattern)) {
    if (segment.is_open_ended) {
      nodes_[at].open_ended.push_back(order);
      return;
    }
    at = segment.is_converted ? converted_child(at) : literal_child(at, segment.literal);
    visit();
  }
  nodes_[at].ends.push_back(order);
}

RouteIndex::NodeIndex RouteIndex::literal_child(NodeIndex node, std::string_view segment) {
  std::vector<std::pair<std::string, NodeIndex>>& literals = nodes_[node].literals;
  const auto found = std::lower_bound(literals.begin(), literals.end(), segment, goes_before);
  if (found != literals.end() && found->first == segment) return found->second;
  const auto made = static_cast<NodeIndex>(nodes_.size());
  literals.emplace(found, segment, made);
  nodes_.emplace_back();
  return made;
}

RouteIndex::NodeIndex RouteIndex::find_literal(const Node& node, std::string_view segment) {
  // Few, as a rule, of which most are told by their size.
  constexpr std::size_t few = 8;
  if (node.literals.size() <= few) {
    for (const auto& [text, child] : node.literals)
      if (text == segment) return child;
    return 0;
  }
  const auto found =
      std::lower_bound(node.literals.begin(), node.literals.end(), segment, goes_before);
  return found != node.literals.end() && found->first == segment ? found->second : 0;
}

RouteIndex::NodeIndex RouteIndex::converted_child(NodeIndex node) {
  if (nodes_[node].converted == 0) {
    nodes_[node].converted = static_cast<NodeIndex>(nodes_.size());
    nodes_.emplace_back();
  }
  return nodes_[node].converted;
}

void RouteIndex::try_each(const std::vector<Order>& orders, std::string_view path,
                          Order& best) const {
  for (const Order order : orders) {
    if (order >= best) return;
    if (patterns_[order].pattern->matches(path)) best = order;
  }
}

void RouteIndex::walk(NodeIndex index, std::size_t at, std::string_view path, Order& best) const {
  while (true) {
    const Node& node = nodes_[index];
    if (node.first >= best) return;
    if (at > path.size()) return try_each(node.ends, path, best);
    if (!node.open_ended.empty()) try_each(node.open_ended, path, best);
    // Segments are short: looking is cheaper than calling somebody who does.
    const std::size_t begin = at;
    while (at < path.size() && path[at] != '/') ++at;
    const NodeIndex literal = find_literal(node, path.substr(begin, at - begin));
    ++at;
    // A call for each segment would cost more than the rest of this; most have one way to go.
    if (literal != 0 && node.converted != 0) walk(literal, at, path, best);
    index = literal != 0 && node.converted == 0 ? literal : node.converted;
    if (index == 0) return;
  }
}

RouteMatch RouteIndex::match(std::string_view path) const {
  Order best = static_cast<Order>(patterns_.size());
  walk(0, 0, path, best);
  RouteMatch match;
  if (best == patterns_.size()) return match;
  const Pattern& found = patterns_[best];
  match.rule = found.rule;
  if (found.wants_parameters) (void)found.pattern->matches(path, match.parameters);
  return match;
}

}  // namespace larder::policy
