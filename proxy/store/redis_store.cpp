#include "store/redis_store.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "policy/lookup.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

namespace {

constexpr std::uint32_t hours_between_renewals = 24;

bool is_integer(const Pipeline& pipeline, std::size_t command) {
  return pipeline.is_answered() && pipeline.reply(command).kind == Reply::Kind::integer;
}

/// Of a PTTL's reply, for a value that was put for `lifetime`. Zero also where the value has gone,
/// or somebody has taken its expiry away.
std::chrono::milliseconds left_of(const Reply& reply, std::chrono::milliseconds lifetime) {
  const std::int64_t left = reply.kind == Reply::Kind::integer ? reply.number : 0;
  return std::chrono::milliseconds(std::clamp<std::int64_t>(left, 0, lifetime.count()));
}

RedisWording wording_of(const RedisPlace& place) {
  if (place.settings.kind != config::RedisKind::cluster) return {};
  return {.ready = "is in use for a part of the cache",
          .consequence = "Its part of the cache is out of use until it is back or has moved"};
}

}  // namespace

RedisStore::RedisStore(asio::io_context& context, RedisPlace place, Keyspace keys,
                       PendingEvictions& pending, StateLog& log, std::string process)
    : executor_(context.get_executor()),
      keys_(std::move(keys)),
      pending_(pending),
      client_(context, place, log, wording_of(place)),
      index_(context, client_, keys_),
      fill_lock_(std::move(process), place.settings.fill_lock, keys_) {}

std::shared_ptr<RedisIndex> RedisStore::index() {
  return {shared_from_this(), &index_};
}

std::shared_ptr<RedisStore> RedisStore::create(asio::io_context& context, RedisPlace place,
                                               Keyspace keys, PendingEvictions& pending,
                                               StateLog& log, std::string process) {
  std::shared_ptr<RedisStore> store(
      new RedisStore(context, std::move(place), std::move(keys), pending, log, std::move(process)));
  RedisClient::Events events;
  events.prepare = [weak = std::weak_ptr(store)] { return prepare(weak.lock()); };
  store->client_.start(std::move(events));
  return store;
}

void RedisStore::close() {
  client_.close();
}

bool RedisStore::is_available() {
  if (!client_.is_ready()) return false;
  if (!pending_.any()) return true;
  if (!settling_) {
    settling_ = true;
    asio::co_spawn(executor_, settle_behind(shared_from_this()), asio::detached);
  }
  return false;
}

// Stamps ------------------------------------------------------------------------------------------

std::string RedisStore::stamp_key(std::string_view tag) const {
  return keys_.stamp_key(tag, client_.run_id());
}

void RedisStore::add_stamp_keys(Command& command, const policy::Tags& tags) const {
  for (const std::string& tag : tags) {
    if (tag == everything_tag)
      command.add_joined(keys_.everything, client_.run_id());
    else
      add_key(command, keys_.stamps, tag);
  }
}

std::optional<Stamps> RedisStore::read_stamps(const Pipeline& pipeline, std::size_t command,
                                              std::size_t count) {
  if (!pipeline.is_answered()) return {};
  const Reply& reply = pipeline.reply(command);
  if (reply.kind == Reply::Kind::error) {
    client_.note_refusal(pipeline.text(reply));
    return {};
  }
  if (reply.kind != Reply::Kind::array || reply.number != static_cast<std::int64_t>(count)) {
    client_.distrust("its replies do not fit the commands");
    return {};
  }
  Stamps stamps;
  stamps.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Reply& stamp = pipeline.element(command, i);
    stamps.push_back(stamp.kind == Reply::Kind::text ? parse_stamp(pipeline.text(stamp)) : 0);
  }
  return stamps;
}

awaitable<std::optional<Stamps>> RedisStore::current(Resource resource, const policy::Tags& own) {
  const auto self = shared_from_this();
  if (!is_available()) co_return std::nullopt;
  policy::Tags tags = stamped_tags(resource);
  tags.insert(tags.end(), own.begin(), own.end());
  Pipeline pipeline;
  Command read{"MGET"};
  add_stamp_keys(read, tags);
  pipeline.add(read);
  co_await client_.exchange(pipeline);
  co_return read_stamps(pipeline, 0, tags.size());
}

awaitable<std::optional<Stamps>> RedisStore::stamps(Resource resource, Stamps known) {
  const auto self = shared_from_this();
  if (!is_available()) co_return std::nullopt;
  if (is_complete(known)) co_return std::move(known);
  policy::Tags tags = stamped_tags(resource);
  if (tags.empty()) co_return std::nullopt;
  std::optional<Stamps> made = co_await make_stamps(std::move(tags), std::move(known), nullptr);
  co_return made;
}

/// One round trip: sets those that are not known to exist, and reads all.
awaitable<std::optional<Stamps>> RedisStore::make_stamps(policy::Tags tags, Stamps known,
                                                         Claiming* claiming) {
  const std::string lifetime = std::to_string(stamp_lifetime.count());
  Pipeline pipeline;
  if (known.size() != tags.size()) known.assign(tags.size(), 0);
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (known[i] != 0) continue;
    known[i] = tags[i] == everything_tag ? make_stamp_of(client_.history()) : make_stamp();
    pipeline.add({"SET", stamp_key(tags[i]), format_stamp(known[i]), "NX", "EX", lifetime});
  }
  const std::size_t sets = pipeline.commands();
  Command read{"MGET"};
  add_stamp_keys(read, tags);
  pipeline.add(read);
  // By the stamps that will be current unless somebody else makes some now.
  if (claiming) fill_lock_.add_claim(pipeline, claiming->key, known);
  co_await client_.exchange(pipeline);
  std::optional<Stamps> stamps = read_stamps(pipeline, sets, tags.size());
  if (claiming && stamps)
    claiming->claim =
        fill_lock_.read_claim(pipeline, sets + 1, claiming->key, *stamps, claiming->seen);
  if (!stamps || std::find(stamps->begin(), stamps->end(), Stamp{0}) == stamps->end())
    co_return stamps;

  // Neither set nor readable: evicted in between, or something else lies there. Next time it is
  // gone.
  std::size_t refused = 0;
  while (refused < sets && pipeline.reply(refused).kind != Reply::Kind::error) ++refused;
  if (refused < sets) {
    client_.note_refusal(pipeline.text(pipeline.reply(refused)));
  } else {
    Command erase{"DEL"};
    for (std::size_t i = 0; i < tags.size(); ++i)
      if ((*stamps)[i] == 0) erase.add_joined(stamp_key(tags[i]), {});
    Pipeline cleaning;
    cleaning.add(erase);
    RedisIndex::send_behind(index(), std::move(cleaning));
  }
  co_return std::nullopt;
}

// Fills -------------------------------------------------------------------------------------------

awaitable<FillStart> RedisStore::begin_fill(std::string key, Resource resource, Stamps known,
                                            policy::StoredResponsePointer seen) {
  const auto self = shared_from_this();
  FillStart start;
  if (!is_available()) co_return start;
  if (!fill_lock_.is_on()) {
    std::optional<Stamps> made = co_await stamps(resource, std::move(known));
    start.stamps = std::move(made);
    co_return start;
  }
  Claiming claiming{key, seen.get(), {}};
  if (is_complete(known)) {
    Pipeline pipeline;
    fill_lock_.add_claim(pipeline, key, known);
    co_await client_.exchange(pipeline);
    claiming.claim = fill_lock_.read_claim(pipeline, 0, key, known, seen.get());
    start.stamps = std::move(known);
  } else {
    policy::Tags tags = stamped_tags(resource);
    if (tags.empty()) co_return start;
    std::optional<Stamps> made = co_await make_stamps(std::move(tags), std::move(known), &claiming);
    start.stamps = std::move(made);
  }
  if (start.stamps && claiming.claim.is_misnamed) {
    Pipeline renaming;
    fill_lock_.add_renaming(renaming, key, *start.stamps);
    RedisIndex::send_behind(index(), std::move(renaming));
  }
  start.filled_by = std::move(claiming.claim.filled_by);
  start.stored_since = claiming.claim.stored_since;
  co_return start;
}

awaitable<bool> RedisStore::is_filling(std::string key, FillStart start,
                                       policy::StoredResponsePointer seen) {
  const auto self = shared_from_this();
  if (!is_available() || !start.stamps || start.filled_by.empty()) co_return false;
  Pipeline pipeline;
  fill_lock_.add_watch(pipeline, key);
  co_await client_.exchange(pipeline);
  co_return FillLock::is_running(pipeline, key, start.filled_by, *start.stamps, seen.get());
}

void RedisStore::end_fill(std::string_view key) {
  if (!fill_lock_.is_on() || !client_.is_ready()) return;
  Pipeline pipeline;
  fill_lock_.add_release(pipeline, key);
  RedisIndex::send_behind(index(), std::move(pipeline));
}

// Values ------------------------------------------------------------------------------------------

awaitable<RedisStore::Found> RedisStore::lookup(std::string_view key, Resource resource,
                                                const LocalStamps& local) {
  const auto self = shared_from_this();
  Found found;
  if (!is_available()) {
    found.lookup.available = false;
    co_return found;
  }
  const policy::Tags tags = stamped_tags(resource);
  if (tags.empty()) co_return found;

  // The value first: its stamps, read after it, then say that it was current when they were read.
  Pipeline pipeline;
  Command value{"HMGET"};
  add_key(value, keys_.values, key);
  value.add("h");
  value.add("b");
  pipeline.add(value);
  Command read{"MGET"};
  add_stamp_keys(read, tags);
  pipeline.add(read);
  Command left{"PTTL"};
  add_key(left, keys_.values, key);
  pipeline.add(left);
  co_await client_.exchange(pipeline);

  std::optional<Stamps> current = read_stamps(pipeline, 1, tags.size());
  if (!current) {
    found.lookup.available = false;
    co_return found;
  }
  found.lookup.stamps = std::move(*current);
  const Reply& reply = pipeline.reply(0);
  if (reply.kind == Reply::Kind::error) {
    // Another type under our key is a miss; any other refusal is Redis' inability.
    found.lookup.available = pipeline.text(reply).starts_with("WRONGTYPE");
    if (!found.lookup.available) client_.note_refusal(pipeline.text(reply));
    co_return found;
  }
  if (reply.kind != Reply::Kind::array || reply.number != 2) {
    client_.distrust("its replies do not fit the commands");
    found.lookup.available = false;
    co_return found;
  }
  const Reply& head_reply = pipeline.element(0, 0);
  const Reply& content_reply = pipeline.element(0, 1);
  if (head_reply.kind != Reply::Kind::text || content_reply.kind != Reply::Kind::text)
    co_return found;
  std::optional<HeadRecord> head = decode_head(key, pipeline.text(head_reply));
  if (!head) co_return found;

  Stamps own;
  if (!head->response.tags.empty()) {
    found.own_local = local.current(head->response.tags);
    Pipeline second;
    Command read_own{"MGET"};
    add_stamp_keys(read_own, head->response.tags);
    second.add(read_own);
    co_await client_.exchange(second);
    std::optional<Stamps> answer = read_stamps(second, 0, head->response.tags.size());
    if (!answer) {
      found.lookup.available = false;
      co_return found;
    }
    own = std::move(*answer);
  }
  if (head->stamps != kept_stamps(found.lookup.stamps, own) ||
      !is_content_of(*head, pipeline.text(content_reply)))
    co_return found;

  head->response.content = pipeline.bytes(content_reply);
  found.lookup.response = std::make_shared<const policy::StoredResponse>(std::move(head->response));
  found.lookup.tier = Tier::redis;
  found.kept = std::move(head->stamps);
  found.left = left_of(pipeline.reply(2), head->lifetime);
  co_return found;
}

awaitable<RedisStore::Put> RedisStore::put(std::string key, Resource resource, Stamps stamps,
                                           policy::StoredResponsePointer response,
                                           std::chrono::seconds lifetime, Content content) {
  const auto self = shared_from_this();
  if (!is_available()) co_return Put{PutOutcome::unavailable, {}};
  const policy::Tags tags = stamped_tags(resource);
  if (tags.size() != stamps.size() || !is_complete(stamps) || lifetime <= lifetime.zero())
    co_return Put{PutOutcome::outdated, {}};
  if (response->content.size > largest_content) co_return Put{PutOutcome::too_large, {}};

  Stamps own;
  const policy::Tags& own_tags = response->tags;
  if (!own_tags.empty()) {
    // Together with `named_tag`: had one of them been evicted since the fill began, it would show.
    policy::Tags named{std::string(named_tag)};
    named.insert(named.end(), own_tags.begin(), own_tags.end());
    Stamps none_known;
    std::optional<Stamps> made =
        co_await make_stamps(std::move(named), std::move(none_known), nullptr);
    if (!made) co_return Put{PutOutcome::unavailable, {}};
    if (made->front() != stamps[named_position]) co_return Put{PutOutcome::outdated, {}};
    own.assign(made->begin() + 1, made->end());
  }
  Stamps kept = kept_stamps(stamps, own);
  const std::optional<std::string> head = encode_head(key, *response, kept, lifetime);
  if (!head) co_return Put{PutOutcome::too_large, {}};

  policy::Tags indexed(tags.begin() + first_tag_position, tags.end());
  indexed.insert(indexed.end(), own_tags.begin(), own_tags.end());
  const std::string name = name_of(key);
  const std::string value_key = keys_.values + name;

  Pipeline pipeline;
  Command read{"MGET"};
  add_stamp_keys(read, tags);
  pipeline.add(read);
  pipeline.add({"MULTI"});
  Command write{"HSET", value_key, "h", *head};
  if (content == Content::written) {
    write.add("b");
    write.add(response->content.view());
  }
  pipeline.add(write);
  const std::chrono::milliseconds lives = std::min(lifetime, 10 * stamp_lifetime);
  pipeline.add({"PEXPIRE", value_key, std::to_string(lives.count())});
  index_.add(pipeline, name, indexed);
  for (const policy::Tags* some : {&tags, &own_tags})
    for (const std::string& tag : *some)
      if (is_renewal_due(tag))
        pipeline.add({"EXPIRE", stamp_key(tag), std::to_string(stamp_lifetime.count())});
  const std::size_t exec = pipeline.commands();
  pipeline.add({"EXEC"});
  const bool counts = index_.is_count_due();
  if (counts) index_.add_counts(pipeline, indexed);
  const std::size_t variant = pipeline.commands();
  const std::string_view url = policy::url_with_variants(key);
  const bool is_bounded = !url.empty() && resource.most_variants > 0;
  if (is_bounded)
    index_.add_variant(pipeline, url, std::string_view(value_key).substr(keys_.values.size()),
                       resource.most_variants);
  co_await client_.exchange(pipeline);

  const std::optional<Stamps> now = read_stamps(pipeline, 0, tags.size());
  if (!now) co_return Put{PutOutcome::unavailable, {}};
  if (pipeline.reply(exec).kind == Reply::Kind::error) {
    // EXEC says only that something was refused; what, that command was told.
    std::size_t command = 1;
    while (pipeline.reply(command).kind != Reply::Kind::error) ++command;
    client_.note_refusal(pipeline.text(pipeline.reply(command)));
  }
  if (pipeline.reply(exec).kind != Reply::Kind::array) co_return Put{PutOutcome::unavailable, {}};
  if (pipeline.reply(exec).number < 1 || pipeline.element(exec, 0).kind != Reply::Kind::integer) {
    // Something else lies under our key: another type. Next time it is gone.
    Pipeline cleaning;
    cleaning.add({"UNLINK", value_key});
    RedisIndex::send_behind(index(), std::move(cleaning));
    co_return Put{PutOutcome::unavailable, {}};
  }
  if (counts) RedisIndex::trim(index(), pipeline, exec + 1, indexed);
  if (is_bounded) {
    Pipeline unlinking = index_.unlink_oldest(pipeline, variant);
    if (unlinking.commands() > 0) co_await client_.exchange(unlinking);
  }
  if (kept_stamps(*now, own) != kept) {
    // Harmless, since its stamps do not fit; but nobody will ever use it.
    Pipeline cleaning;
    cleaning.add({"UNLINK", value_key});
    RedisIndex::send_behind(index(), std::move(cleaning));
    co_return Put{PutOutcome::outdated, {}};
  }
  co_return Put{PutOutcome::stored, std::move(kept)};
}

bool RedisStore::is_renewal_due(std::string_view tag) {
  const std::uint64_t hash = xxh3(tag);
  const auto hour = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::hours>(SteadyClock::now().time_since_epoch())
          .count());
  Renewal& renewal = renewals_[hash % renewals_.size()];
  const auto check = static_cast<std::uint32_t>(hash >> 32) | 1;
  if (renewal.tag == check && hour - renewal.hour < hours_between_renewals) return false;
  renewal = {check, hour};
  return true;
}

// Eviction ----------------------------------------------------------------------------------------

void RedisStore::add_eviction(Pipeline& pipeline, const policy::Tags& tags) const {
  Command erase{"DEL"};
  add_stamp_keys(erase, tags);
  pipeline.add(erase);
}

awaitable<EvictOutcome> RedisStore::evict(policy::Tags tags) {
  const auto self = shared_from_this();
  if (tags.empty()) co_return EvictOutcome::done;
  tags = with_named_tag(std::move(tags));
  if (!client_.is_ready()) {
    // A connection that is being made is left alone: it delivers what is pending before it is used.
    pending_.add(tags);
    co_return EvictOutcome::deferred;
  }
  Pipeline pipeline;
  add_eviction(pipeline, tags);
  co_await client_.exchange(pipeline);
  if (is_integer(pipeline, 0)) {
    RedisIndex::sweep_soon(index(), tags);
    co_return EvictOutcome::done;
  }
  pending_.add(tags);
  // A connection that does not do this cannot be read from either. The next one begins with it.
  const bool refused = pipeline.is_answered() && pipeline.reply(0).kind == Reply::Kind::error;
  client_.distrust(refused ? "it refused an eviction" : "it did not acknowledge an eviction");
  co_return EvictOutcome::deferred;
}

awaitable<bool> RedisStore::prepare(std::shared_ptr<RedisStore> store) {
  if (!store) co_return false;
  // Without a run_id it may have been started again from an old dump, for all we know.
  bool is_believed = !store->client_.run_id().empty();
  const std::string everything = store->stamp_key(everything_tag);
  if (is_believed && store->client_.history() != 0) {
    // A master that was a replica for a while has taken over another one's data, its own old stamp
    // among them, and may have missed what was evicted meanwhile.
    Pipeline reading;
    reading.add({"GET", everything});
    co_await store->client_.exchange(reading);
    if (!reading.is_answered()) co_return false;
    const Reply& stamp = reading.reply(0);
    if (stamp.kind == Reply::Kind::text)
      is_believed = is_stamp_of(parse_stamp(reading.text(stamp).substr(0, stamp_digits)),
                                store->client_.history());
  }
  if (!is_believed) {
    Pipeline pipeline;
    pipeline.add({"DEL", everything});
    co_await store->client_.exchange(pipeline);
    if (!is_integer(pipeline, 0)) co_return false;
  }
  const bool settled = co_await settle(store);
  co_return settled;
}

awaitable<bool> RedisStore::settle(std::shared_ptr<RedisStore> store) {
  for (;;) {
    const PendingEvictions::Batch batch = store->pending_.some();
    if (batch.tags.empty()) co_return true;
    Pipeline pipeline;
    store->add_eviction(pipeline, batch.tags);
    co_await store->client_.exchange(pipeline);
    if (!is_integer(pipeline, 0)) co_return false;
    store->pending_.delivered(batch);
    RedisIndex::sweep_soon(store->index(), batch.tags);
  }
}

awaitable<void> RedisStore::settle_behind(std::shared_ptr<RedisStore> store) {
  const bool settled = co_await settle(store);
  store->settling_ = false;
  if (!settled) store->client_.distrust("evictions could not be delivered");
}

}  // namespace larder::store
