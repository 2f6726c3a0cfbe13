#include "store/redis_index.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "store/codec.hpp"
#include "store/stamps.hpp"

namespace larder::store {

namespace {

constexpr std::string_view index_lifetime = "691200";  ///< seconds, as the stamps'
constexpr std::int64_t index_limit = 100'000;          ///< members of one index, nearly
constexpr std::string_view index_surplus = "4096";     ///< members to drop from a larger one
constexpr unsigned puts_between_counts = 64;
constexpr std::size_t sweep_limit = 1'000;  ///< tags waiting to be swept
constexpr std::int64_t sweep_tags = 16;     ///< indexes emptied side by side
constexpr std::int64_t sweep_members = 32;  ///< taken from one of them at a time

/// Unlinks each key whose head record still ends (with its checksum) as it did when it was read:
/// what is put in between stays. A Redis that allows no scripts keeps old values for their
/// lifetime.
constexpr std::string_view unlink_unchanged =
    "for i = 1, #KEYS do "
    "local head = redis.call('HGET', KEYS[i], 'h') "
    "if head and string.sub(head, -8) == ARGV[i] then redis.call('UNLINK', KEYS[i]) end "
    "end";

Stamps read_current(const Pipeline& pipeline, std::size_t command) {
  Stamps stamps;
  const Reply& reply = pipeline.reply(command);
  for (std::int64_t i = 0; reply.kind == Reply::Kind::array && i < reply.number; ++i) {
    const Reply& stamp = pipeline.element(command, static_cast<std::size_t>(i));
    stamps.push_back(stamp.kind == Reply::Kind::text ? parse_stamp(pipeline.text(stamp)) : 0);
  }
  return stamps;
}

/// The index of a resource, of a user's part of a rule, or of a rule's or response's own tag names
/// values: such a tag may be on a few of a resource's values alone ("t:user:7"). That of others
/// names resources.
bool names_values(std::string_view tag) {
  return tag.starts_with("p:") || tag.starts_with("u:") || tag.starts_with("t:");
}

}  // namespace

RedisIndex::RedisIndex(asio::io_context& context, RedisClient& client, const Keyspace& keys)
    : executor_(context.get_executor()), client_(client), keys_(keys) {}

void RedisIndex::add_member(Pipeline& pipeline, std::string_view tag,
                            std::string_view member) const {
  Command enter(pipeline, {"SADD"});
  add_key(enter, keys_.indexes, tag);
  enter.add(member);
  Command expire(pipeline, {"EXPIRE"});
  add_key(expire, keys_.indexes, tag);
  expire.add(index_lifetime);
}

std::string RedisIndex::make_garbage_name() const {
  return keys_.garbage + format_stamp(make_stamp());
}

void RedisIndex::add(Pipeline& pipeline, std::string_view name, const policy::Tags& tags) const {
  const std::string_view path = std::string_view(tags.front()).substr(2);  // behind "p:"
  for (const std::string& tag : tags) add_member(pipeline, tag, names_values(tag) ? name : path);
}

bool RedisIndex::is_count_due() {
  return ++puts_ % puts_between_counts == 0;
}

void RedisIndex::add_counts(Pipeline& pipeline, const policy::Tags& tags) const {
  for (const std::string& tag : tags) {
    Command count(pipeline, {"SCARD"});
    add_key(count, keys_.indexes, tag);
  }
}

void RedisIndex::trim(std::shared_ptr<RedisIndex> index, const Pipeline& pipeline,
                      std::size_t command, const policy::Tags& tags) {
  Pipeline trimming;
  for (const std::string& tag : tags) {
    const Reply& count = pipeline.reply(command++);
    if (count.kind != Reply::Kind::integer || count.number <= index_limit) continue;
    Command pop(trimming, {"SPOP"});
    add_key(pop, index->keys_.indexes, tag);
    pop.add(index_surplus);
  }
  if (trimming.commands() > 0) send_behind(std::move(index), std::move(trimming));
}

void RedisIndex::add_variant(Pipeline& pipeline, std::string_view url, std::string_view name,
                             std::size_t most) const {
  const auto add = [&](std::string_view verb, std::initializer_list<std::string_view> arguments) {
    Command command(pipeline, {verb});
    add_key(command, keys_.variants, url);
    for (const std::string_view argument : arguments) command.add(argument);
  };
  // Two processes at once may each drop what the other has read: that goes by its lifetime then.
  const std::string newest = "-" + std::to_string(most);
  const std::string last_surplus = "-" + std::to_string(most + 1);
  add("LREM", {"0", name});
  add("RPUSH", {name});
  add("LRANGE", {"0", last_surplus});
  add("LTRIM", {newest, "-1"});
  add("EXPIRE", {index_lifetime});
}

Pipeline RedisIndex::unlink_oldest(const Pipeline& pipeline, std::size_t command) const {
  Pipeline unlinking;
  const std::size_t range = command + 2;
  const Reply& surplus = pipeline.reply(range);
  if (surplus.kind != Reply::Kind::array || surplus.number == 0) return unlinking;
  Command unlink(unlinking, {"UNLINK"});
  for (std::size_t i = 0; i < static_cast<std::size_t>(surplus.number); ++i)
    unlink.add_joined(keys_.values, pipeline.text(pipeline.element(range, i)));
  return unlinking;
}

void RedisIndex::send_behind(std::shared_ptr<RedisIndex> index, Pipeline pipeline) {
  const Executor executor = index->executor_;
  asio::co_spawn(executor, send(std::move(index), std::move(pipeline)), asio::detached);
}

awaitable<void> RedisIndex::send(std::shared_ptr<RedisIndex> index, Pipeline pipeline) {
  co_await index->client_.exchange(pipeline);
}

void RedisIndex::sweep_soon(std::shared_ptr<RedisIndex> index, const policy::Tags& tags) {
  std::map<std::string, policy::Tags>& to_sweep = index->to_sweep_;
  for (const std::string& tag : tags) {
    if (to_sweep.size() >= sweep_limit) break;
    if (tag == everything_tag) {
      to_sweep["p:/"].push_back(tag);
      to_sweep["b:/"].push_back(tag);
    } else if (tag != named_tag) {
      to_sweep[tag] = {tag};
    }
  }
  if (index->sweeping_ || to_sweep.empty()) return;
  index->sweeping_ = true;
  const Executor executor = index->executor_;
  asio::co_spawn(executor, sweep(std::move(index)), asio::detached);
}

awaitable<void> RedisIndex::sweep(std::shared_ptr<RedisIndex> index) {
  while (!index->to_sweep_.empty()) {
    auto next = index->to_sweep_.extract(index->to_sweep_.begin());
    std::string tag = std::move(next.key());
    policy::Tags evicted = std::move(next.mapped());
    if (names_values(tag)) {
      policy::Tags tags;
      tags.push_back(std::move(tag));
      const policy::Tags left = co_await index->sweep_values(std::move(tags), std::move(evicted));
    } else {
      co_await index->sweep_paths(std::move(tag), std::move(evicted));
    }
  }
  index->sweeping_ = false;
}

/// Takes a tag's index away under another name, so that it can be emptied while a new one grows.
awaitable<bool> RedisIndex::set_aside(std::string tag, std::string garbage) {
  Pipeline renaming;
  Command rename(renaming, {"RENAME"});
  add_key(rename, keys_.indexes, tag);
  rename.add(garbage);
  co_await client_.exchange(renaming);
  co_return renaming.is_answered() && renaming.reply(0).kind == Reply::Kind::status;
}

/// Of a tag that is not a resource's: its index names resources, each with values of its own.
awaitable<void> RedisIndex::sweep_paths(std::string tag, policy::Tags evicted) {
  const std::string garbage = make_garbage_name();
  bool more = co_await set_aside(tag, garbage);
  while (more) {
    Pipeline popping;
    popping.add({"SPOP", garbage, std::to_string(sweep_tags)});
    co_await client_.exchange(popping);
    if (!popping.is_answered() || popping.reply(0).kind != Reply::Kind::array) break;
    policy::Tags resources;
    for (std::size_t i = 0; i < static_cast<std::size_t>(popping.reply(0).number); ++i)
      resources.push_back("p:" + std::string(popping.text(popping.element(0, i))));
    more = resources.size() == static_cast<std::size_t>(sweep_tags);
    if (resources.empty()) break;
    const policy::Tags left = co_await sweep_values(std::move(resources), evicted);
    if (left.empty()) continue;
    Pipeline keeping;
    for (const std::string& resource : left)
      add_member(keeping, tag, std::string_view(resource).substr(2));
    co_await client_.exchange(keeping);
  }
}

/// Of resources' tags: their indexes name values. Returns the tags that still have any.
awaitable<policy::Tags> RedisIndex::sweep_values(policy::Tags tags, policy::Tags evicted) {
  struct Swept {
    std::string tag;
    std::string garbage;
  };
  std::vector<Swept> open;
  for (const std::string& tag : tags) {
    std::string garbage = make_garbage_name();
    const bool found = co_await set_aside(tag, garbage);
    if (found) open.push_back({tag, std::move(garbage)});
  }
  policy::Tags left;
  while (!open.empty()) {
    Pipeline popping;
    for (const Swept& swept : open)
      popping.add({"SPOP", swept.garbage, std::to_string(sweep_members)});
    co_await client_.exchange(popping);
    if (!popping.is_answered()) break;

    struct Value {
      const Swept* swept;
      std::string name;
    };
    std::vector<Value> values;
    Pipeline reading;
    std::vector<Swept> more;
    for (std::size_t i = 0; i < open.size(); ++i) {
      const Reply& members = popping.reply(i);
      if (members.kind != Reply::Kind::array) continue;
      for (std::size_t j = 0; j < static_cast<std::size_t>(members.number); ++j) {
        values.push_back({&open[i], std::string(popping.text(popping.element(i, j)))});
        Command read(reading, {"HGET"});
        read.add_joined(keys_.values, values.back().name);
        read.add("h");
      }
      if (members.number == sweep_members) more.push_back(open[i]);
    }
    // The stamps after the values: who holds the current ones was put since the eviction.
    Command current(reading, {"MGET"});
    for (const std::string& tag : evicted)
      current.add_joined(keys_.stamp_key(tag, client_.run_id()), {});
    co_await client_.exchange(reading);
    if (!reading.is_answered()) break;
    const Stamps stamps = read_current(reading, values.size());

    Pipeline settling;
    std::vector<std::size_t> old_values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Reply& head = reading.reply(i);
      if (head.kind != Reply::Kind::text) continue;
      const std::string_view record = reading.text(head);
      const bool old = std::any_of(stamps.begin(), stamps.end(), [record](Stamp stamp) {
        return stamp == 0 || !may_hold_stamp(record, stamp);
      });
      if (old) {
        old_values.push_back(i);
      } else {
        add_member(settling, values[i].swept->tag, values[i].name);
        if (left.empty() || left.back() != values[i].swept->tag)
          left.push_back(values[i].swept->tag);
      }
    }
    if (!old_values.empty()) {
      const std::string count = std::to_string(old_values.size());
      Command unlink(settling, {"EVAL", unlink_unchanged, count});
      for (const std::size_t i : old_values) unlink.add_joined(keys_.values, values[i].name);
      for (const std::size_t i : old_values) {
        const std::string_view record = reading.text(reading.reply(i));
        unlink.add(record.substr(record.size() - std::min<std::size_t>(record.size(), 8)));
      }
    }
    if (settling.commands() > 0) co_await client_.exchange(settling);
    open = std::move(more);
  }
  co_return left;
}

}  // namespace larder::store
