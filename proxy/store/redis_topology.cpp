#include "store/redis_topology.hpp"

#include <algorithm>
#include <utility>

namespace larder::store {

namespace {

constexpr unsigned slot_count = 16'384;

std::uint16_t crc16(std::string_view text) {
  unsigned crc = 0;
  for (const char letter : text) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(letter)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U);
  }
  return static_cast<std::uint16_t>(crc);
}

/// Goes through the flat list of what a nested reply holds.
class Cursor {
 public:
  explicit Cursor(const Pipeline& pipeline) : pipeline_(pipeline) {}

  /// Null at the end of the reply.
  const Reply* next() { return at_ < pipeline_.pieces(0) ? &pipeline_.element(0, at_++) : nullptr; }
  std::optional<std::int64_t> array() {
    const Reply* reply = next();
    if (!reply || reply->kind != Reply::Kind::array) return {};
    return reply->number;
  }
  std::optional<std::int64_t> integer() {
    const Reply* reply = next();
    if (!reply || reply->kind != Reply::Kind::integer) return {};
    return reply->number;
  }
  /// False when the reply ends before.
  bool skip() {
    for (std::int64_t left = 1; left > 0; --left) {
      const Reply* reply = next();
      if (!reply) return false;
      if (reply->kind == Reply::Kind::array) left += reply->number;
    }
    return true;
  }

 private:
  const Pipeline& pipeline_;
  std::size_t at_ = 0;
};

/// [host or nil, port, id, ...]: Redis before 7 has no more than these three.
std::optional<config::Endpoint> read_node(Cursor& cursor, const Pipeline& pipeline,
                                          const config::Endpoint& asked) {
  const std::optional<std::int64_t> size = cursor.array();
  if (!size || *size < 2) return {};
  const Reply* host = cursor.next();
  const std::optional<std::int64_t> port = cursor.integer();
  if (!host || !port || *port < 1 || *port > 65'535) return {};
  config::Endpoint node{asked.host, static_cast<std::uint16_t>(*port)};
  if (host->kind == Reply::Kind::text) {
    const std::string_view name = pipeline.text(*host);
    // "?": a node that does not know its own name (cluster-preferred-endpoint-type).
    if (!name.empty() && name != "?") node.host = std::string(name);
  } else if (host->kind != Reply::Kind::nil) {
    return {};
  }
  for (std::int64_t i = 2; i < *size; ++i)
    if (!cursor.skip()) return {};
  return node;
}

}  // namespace

std::uint16_t slot_of(std::string_view key) {
  if (const std::size_t open = key.find('{'); open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  }
  return static_cast<std::uint16_t>(crc16(key) % slot_count);
}

std::optional<ClusterSlots> read_cluster_slots(const Pipeline& pipeline,
                                               const config::Endpoint& asked) {
  if (!pipeline.is_answered() || pipeline.reply(0).kind != Reply::Kind::array) return {};
  ClusterSlots slots;
  Cursor cursor(pipeline);
  for (std::int64_t i = 0; i < pipeline.reply(0).number; ++i) {
    const std::optional<std::int64_t> size = cursor.array();
    const std::optional<std::int64_t> first = cursor.integer();
    const std::optional<std::int64_t> last = cursor.integer();
    if (!size || *size < 3 || !first || !last || *first < 0 || *last < *first ||
        *last >= slot_count)
      return {};
    for (std::int64_t j = 2; j < *size; ++j) {
      const std::optional<config::Endpoint> node = read_node(cursor, pipeline, asked);
      if (!node) return {};
      if (j == 2)
        slots.ranges.push_back(
            {static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last), *node});
      if (std::find(slots.nodes.begin(), slots.nodes.end(), *node) == slots.nodes.end())
        slots.nodes.push_back(*node);
    }
  }
  return slots;
}

RedisTopology::RedisTopology(std::vector<config::Endpoint> seeds)
    : seeds_(std::move(seeds)), nodes_(seeds_.begin(), seeds_.end()) {}

std::vector<config::Endpoint> RedisTopology::to_ask() const {
  return {nodes_.begin(), nodes_.end()};
}

void RedisTopology::has_answered(const config::Endpoint& node) {
  const auto found = std::find(nodes_.begin(), nodes_.end(), node);
  if (found != nodes_.end()) std::rotate(nodes_.begin(), found, found + 1);
}

void RedisTopology::has_failed(const config::Endpoint& node) {
  const auto found = std::find(nodes_.begin(), nodes_.end(), node);
  if (found != nodes_.end()) std::rotate(found, found + 1, nodes_.end());
}

void RedisTopology::learn(ClusterSlots slots, SteadyClock::time_point now) {
  ranges_ = std::move(slots.ranges);
  learned_at_ = now;
  // Who answered stays first; the seeds stay, for a cluster whose nodes have all moved.
  std::deque<config::Endpoint> nodes;
  const auto take = [&nodes](const config::Endpoint& node) {
    if (nodes.size() < node_limit && std::find(nodes.begin(), nodes.end(), node) == nodes.end())
      nodes.push_back(node);
  };
  if (!nodes_.empty()) take(nodes_.front());
  for (const config::Endpoint& node : slots.nodes) take(node);
  for (const config::Endpoint& node : seeds_) take(node);
  nodes_ = std::move(nodes);
}

bool RedisTopology::is_fresh(SteadyClock::time_point now) const {
  return learned_at_ && now - *learned_at_ < believed_for;
}

std::optional<config::Endpoint> RedisTopology::master_of(std::uint16_t slot) const {
  const auto found = std::find_if(ranges_.begin(), ranges_.end(), [slot](const SlotRange& range) {
    return range.first <= slot && slot <= range.last;
  });
  if (found == ranges_.end()) return std::nullopt;
  return found->master;
}

}  // namespace larder::store
