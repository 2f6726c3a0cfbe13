#include "store/redis_store.hpp"

#include <algorithm>
#include <utility>

#include "policy/lookup.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

namespace {

constexpr std::uint32_t hours_between_renewals = 24;

/// Of a PTTL's reply, for a value that was put for `lifetime`. Zero also where the value has gone,
/// or somebody has taken its expiry away.
std::chrono::milliseconds left_of(const Reply& reply, std::chrono::milliseconds lifetime) {
  const std::int64_t left = reply.kind == Reply::Kind::integer ? reply.number : 0;
  return std::chrono::milliseconds(std::clamp<std::int64_t>(left, 0, lifetime.count()));
}

/// What there is to be behind a response for this content: none for what can be kept as it came.
std::size_t room_for(const Reply& content) {
  const auto size = static_cast<std::size_t>(content.number);
  return content.is_alone || size > largest_within ? 0 : size;
}

RedisWording wording_of(const RedisPlace& place) {
  if (place.settings.kind != config::RedisKind::cluster) return {};
  return {.ready = "is in use for a part of the cache",
          .consequence = "Its part of the cache is out of use until it is back or has moved"};
}

}  // namespace

RedisStore::RedisStore(asio::io_context& context, const RedisPlace& place, Keyspace keys,
                       PendingEvictions& pending, StateLog& log, std::string process,
                       WriteTimes times)
    : keys_(std::move(keys)),
      client_(context, place, log, wording_of(place)),
      index_(context, client_, keys_),
      writes_(context, client_, index_, keys_, pending, times),
      fill_lock_(std::move(process), place.settings.fill_lock, keys_) {}

std::shared_ptr<RedisIndex> RedisStore::index() {
  return {shared_from_this(), &index_};
}

std::shared_ptr<RedisWrites> RedisStore::writes() {
  return {shared_from_this(), &writes_};
}

std::shared_ptr<RedisStore> RedisStore::create(asio::io_context& context, const RedisPlace& place,
                                               Keyspace keys, PendingEvictions& pending,
                                               StateLog& log, std::string process,
                                               WriteTimes times) {
  std::shared_ptr<RedisStore> store(
      new RedisStore(context, place, std::move(keys), pending, log, std::move(process), times));
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
  if (writes_.is_delivered()) return true;
  RedisWrites::deliver_soon(writes());
  return false;
}

awaitable<bool> RedisStore::prepare(std::shared_ptr<RedisStore> store) {
  if (!store) co_return false;
  const bool prepared = co_await RedisWrites::prepare(store->writes());
  co_return prepared;
}

// Stamps ------------------------------------------------------------------------------------------

void RedisStore::add_stamp(Command& read, std::string_view tag) const {
  if (tag == everything_tag)
    read.add_joined(keys_.everything, client_.run_id());
  else
    add_key(read, keys_.stamps, tag);
}

/// Reads them.
void RedisStore::add_stamps(Pipeline& pipeline, const policy::Tags& tags) const {
  Command read(pipeline, {"MGET"});
  for (const std::string& tag : tags) add_stamp(read, tag);
}

void RedisStore::add_stamps(Look& look) const {
  Command read(look.pipeline, {"MGET"});
  for (std::size_t i = 0; i < look.tags.size(); ++i) add_stamp(read, look.tags[i]);
  for (const std::string& tag : look.own) add_stamp(read, tag);
}

std::optional<RedisStore::Current> RedisStore::read_stamps(const Pipeline& pipeline,
                                                           std::size_t command, std::size_t tags,
                                                           std::size_t own, bool of_resource) {
  if (!pipeline.is_answered()) return {};
  const Reply& reply = pipeline.reply(command);
  if (reply.kind == Reply::Kind::error) {
    client_.note_refusal(pipeline.text(reply));
    return {};
  }
  const std::size_t count = tags + own;
  if (reply.kind != Reply::Kind::array || reply.number != static_cast<std::int64_t>(count)) {
    client_.distrust("its replies do not fit the commands");
    return {};
  }
  Current current{.stamps = Stamps(tags), .own = Stamps(own)};
  for (std::size_t i = 0; i < count; ++i) {
    const Reply& stamp = pipeline.element(command, i);
    if (stamp.kind != Reply::Kind::text) continue;
    const std::string_view text = pipeline.text(stamp);
    (i < tags ? current.stamps[i] : current.own[i - tags]) = parse_stamp(text);
    // A lease on `named_tag` concerns only responses that have tags of their own: those ask for it
    // again, in front of them.
    const bool concerns_others = of_resource && i == named_position;
    if (!concerns_others && is_leased(text)) current.leased = true;
  }
  return current;
}

awaitable<std::optional<RedisStore::Current>> RedisStore::current(const policy::Tags& tags) {
  const auto self = shared_from_this();
  if (!is_available()) co_return std::nullopt;
  Pipeline pipeline;
  add_stamps(pipeline, tags);
  co_await client_.exchange(pipeline);
  co_return read_stamps(pipeline, 0, tags.size(), 0, false);
}

// Values ------------------------------------------------------------------------------------------

void RedisStore::ask(Look& look) {
  look.found.lookup.available = is_available();
  if (!look.found.lookup.available || look.tags.empty()) return;
  look.own = known_tags_.of(look.key);
  if (look.local) look.found.own_local = look.local->current(look.own);

  // The value first: its stamps, read after it, then say that it was current when they were read.
  Command value(look.pipeline, {"HMGET"});
  add_key(value, keys_.values, look.key);
  value.add("h");
  value.add("b");
  add_beginning(look);
  look.stamps_at = look.pipeline.commands();
  add_stamps(look);
  if (look.local) {
    Command left(look.pipeline, {"PTTL"});
    add_key(left, keys_.values, look.key);
  }
  add_claim(look);
}

bool RedisStore::take(Look& look) {
  std::optional<Current> current =
      read_stamps(look.pipeline, look.stamps_at, look.tags.size(), look.own.size(), true);
  if (!current) {
    look.found.lookup.available = false;
    return false;
  }
  look.found.leased = look.leased = current->leased;
  look.stamps = std::move(current->stamps);
  read_head(look);
  if (look.head && !std::equal(look.own.begin(), look.own.end(), look.head->response->tags.begin(),
                               look.head->response->tags.end()))
    return true;
  take_response(look, &current->own);
  return false;
}

void RedisStore::ask_stamps(Look& look) {
  if (is_available()) add_stamps(look);
}

std::optional<RedisStore::Current> RedisStore::take_stamps(Look& look) {
  return read_stamps(look.pipeline, 0, look.tags.size(), look.own.size(), true);
}

void RedisStore::read_head(Look& look) {
  const Reply& reply = look.pipeline.reply(0);
  if (reply.kind == Reply::Kind::error) {
    // Another type under our key is a miss; any other refusal is Redis' inability.
    look.found.lookup.available = look.pipeline.text(reply).starts_with("WRONGTYPE");
    if (!look.found.lookup.available) client_.note_refusal(look.pipeline.text(reply));
  } else if (reply.kind != Reply::Kind::array || reply.number != 2) {
    client_.distrust("its replies do not fit the commands");
    look.found.lookup.available = false;
  } else {
    const Reply& head = look.pipeline.element(0, 0);
    const Reply& content = look.pipeline.element(0, 1);
    if (head.kind == Reply::Kind::text && content.kind == Reply::Kind::text)
      look.head = decode_head(look.key, look.pipeline.text(head), room_for(content));
  }
}

awaitable<void> RedisStore::look_again(Look& look) {
  const auto self = shared_from_this();
  look.own = look.head->response->tags.to_vector();
  known_tags_.note(look.key, look.own);
  if (look.local) look.found.own_local = look.local->current(look.own);
  if (look.own.empty()) {
    const Stamps none;
    take_response(look, &none);
    co_return;
  }
  const std::optional<Current> named = co_await current(look.own);
  look.found.lookup.available = named.has_value();
  look.found.leased = look.leased || (named && named->leased);
  take_response(look, named ? &named->stamps : nullptr);
}

void RedisStore::take_response(Look& look, const Stamps* own_stamps) {
  Found& found = look.found;
  const Standing standing = look.head && own_stamps
                                ? standing_of(look.head->stamps, look.stamps, *own_stamps)
                                : Standing::evicted;
  if (standing != Standing::evicted) {
    found.lookup.softened = standing == Standing::softened;
    const Reply& content = look.pipeline.element(0, 1);
    const std::string_view text = look.pipeline.text(content);
    if (is_content_of(*look.head, text)) {
      look.head->response->content = room_for(content) > 0
                                         ? policy::SharedBytes::lend(look.head->room.put(text))
                                         : look.pipeline.bytes(content);
      found.lookup.response = std::move(look.head->response);
      found.lookup.tier = Tier::redis;
      found.kept = std::move(look.head->stamps);
      if (look.local)
        found.left = left_of(look.pipeline.reply(look.stamps_at + 1), look.head->lifetime);
    }
  }
  if (!look.leased) found.lookup.stamps = std::move(look.stamps);
}

awaitable<RedisStore::Put> RedisStore::put(std::string key, Resource resource, Stamps stamps,
                                           policy::StoredResponsePointer response,
                                           std::chrono::seconds lifetime, Content content) {
  const auto self = shared_from_this();
  const auto refuse = [this, &key](PutOutcome outcome) {
    end_fill(key);
    return Put{outcome, {}};
  };
  if (!is_available()) co_return refuse(PutOutcome::unavailable);
  const policy::Tags tags = stamped_tags(resource);
  if (tags.size() != stamps.size() || !is_complete(stamps) || lifetime <= lifetime.zero())
    co_return refuse(PutOutcome::outdated);
  if (response->content.size > largest_content) co_return refuse(PutOutcome::too_large);

  Stamps own;
  const policy::Tags own_tags = response->tags.to_vector();
  if (!own_tags.empty()) {
    // Together with `named_tag`: had one of them been evicted since the fill began, it would show.
    policy::Tags named{std::string(named_tag)};
    named.insert(named.end(), own_tags.begin(), own_tags.end());
    Stamps none_known;
    const std::optional<Current> made =
        co_await make_stamps(std::move(named), std::move(none_known), nullptr);
    if (!made) co_return refuse(PutOutcome::unavailable);
    if (made->leased || made->stamps.front() != stamps[named_position])
      co_return refuse(PutOutcome::outdated);
    own.assign(made->stamps.begin() + 1, made->stamps.end());
  }
  Stamps kept = kept_stamps(stamps, own);
  const std::optional<std::string> head = encode_head(key, *response, kept, lifetime);
  if (!head) co_return refuse(PutOutcome::too_large);

  policy::Tags indexed(tags.begin() + first_tag_position, tags.end());
  indexed.insert(indexed.end(), own_tags.begin(), own_tags.end());
  const std::string name = name_of(key);
  const std::string value_key = keys_.values + name;

  Pipeline pipeline;
  add_stamps(pipeline, tags);
  pipeline.add({"MULTI"});
  Command write(pipeline, {"HSET", value_key, "h", *head});
  if (content == Content::written) {
    write.add("b");
    write.add(response->content.view());
  }
  const std::chrono::milliseconds lives = std::min(lifetime, 10 * RedisWrites::stamp_lifetime);
  pipeline.add({"PEXPIRE", value_key, std::to_string(lives.count())});
  index_.add(pipeline, name, indexed);
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
  policy::Tags aging;
  for (const policy::Tags* some : {&tags, &own_tags})
    std::copy_if(some->begin(), some->end(), std::back_inserter(aging),
                 [this](const std::string& tag) { return is_renewal_due(tag); });
  const std::size_t prolonging = pipeline.commands();
  if (!aging.empty()) writes_.add_prolonging(pipeline, aging);
  if (fill_lock_.is_on()) fill_lock_.add_release(pipeline, key);
  co_await client_.exchange(pipeline);

  const std::optional<Current> now = read_stamps(pipeline, 0, tags.size(), 0, true);
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
  if (!aging.empty()) writes_.look_for_scripts(pipeline, prolonging);
  const Standing standing = standing_of(kept, kept_stamps(now->stamps, own));
  // Softened meanwhile: it is stale, as what was there before, and may stay.
  if (!now->leased && standing == Standing::softened) co_return Put{PutOutcome::outdated, {}};
  if (now->leased || standing == Standing::evicted) {
    // Its stamps do not fit, or will not when the write that holds them has ended.
    Pipeline cleaning;
    cleaning.add({"UNLINK", value_key});
    RedisIndex::send_behind(index(), std::move(cleaning));
    co_return Put{PutOutcome::outdated, {}};
  }
  known_tags_.note(key, own_tags);
  co_return Put{PutOutcome::stored, std::move(kept)};
}

awaitable<bool> RedisStore::drop(std::string key) {
  const auto self = shared_from_this();
  if (!is_available()) co_return false;
  Pipeline pipeline;
  pipeline.add({"UNLINK", keys_.values + name_of(key)});
  co_await client_.exchange(pipeline);
  co_return pipeline.is_answered() && pipeline.reply(0).kind == Reply::Kind::integer;
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

// Writes ------------------------------------------------------------------------------------------

awaitable<LeasePointer> RedisStore::begin_write(policy::Tags tags) {
  LeasePointer lease = co_await RedisWrites::begin(writes(), std::move(tags));
  co_return lease;
}

awaitable<EvictOutcome> RedisStore::end_write(LeasePointer lease, policy::Tags evicted) {
  const EvictOutcome outcome =
      co_await RedisWrites::end(writes(), std::move(lease), std::move(evicted));
  co_return outcome;
}

awaitable<EvictOutcome> RedisStore::give_up_write(LeasePointer lease, policy::Tags evicted) {
  const EvictOutcome outcome =
      co_await RedisWrites::give_up(writes(), std::move(lease), std::move(evicted));
  co_return outcome;
}

void RedisStore::cancel_write(LeasePointer lease) {
  RedisWrites::cancel(writes(), std::move(lease));
}

awaitable<EvictOutcome> RedisStore::soften(policy::Tags tags) {
  const EvictOutcome outcome = co_await RedisWrites::soften(writes(), std::move(tags));
  co_return outcome;
}

}  // namespace larder::store
