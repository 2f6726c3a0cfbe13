// What a fill needs of Redis before the origin is asked: stamps, and the lock among replicas.
#include <algorithm>
#include <utility>

#include "store/redis_store.hpp"
#include "store/stamps.hpp"

namespace larder::store {

// Stamps ------------------------------------------------------------------------------------------

/// Sets those that are not `known` to exist; then `known` says what each is, unless somebody else
/// has made it.
template <class Tags>
void RedisStore::add_making(Pipeline& pipeline, const Tags& tags, Stamps& known) const {
  const std::string lifetime = std::to_string(RedisWrites::stamp_lifetime.count());
  if (known.size() != tags.size()) known.assign(tags.size(), 0);
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (known[i] != 0) continue;
    known[i] = tags[i] == everything_tag ? make_stamp_of(client_.history()) : make_stamp();
    pipeline.add({"SET", keys_.stamp_key(tags[i], client_.run_id()), format_stamp(known[i]), "NX",
                  "EX", lifetime});
  }
}

awaitable<FillStart> RedisStore::stamps(Resource resource, Stamps known) {
  const auto self = shared_from_this();
  FillStart start;
  if (!is_available()) co_return start;
  if (is_complete(known)) {
    start.stamps = std::move(known);
    co_return start;
  }
  policy::Tags tags = stamped_tags(resource);
  if (tags.empty()) co_return start;
  std::optional<Current> made = co_await make_stamps(std::move(tags), std::move(known), nullptr);
  if (made) {
    start.stamps = std::move(made->stamps);
    start.leased = made->leased;
  }
  co_return start;
}

/// One round trip: makes those that are not known to exist, and reads all.
awaitable<std::optional<RedisStore::Current>> RedisStore::make_stamps(policy::Tags tags,
                                                                      Stamps known,
                                                                      Claiming* claiming) {
  Pipeline pipeline;
  add_making(pipeline, tags, known);
  const std::size_t sets = pipeline.commands();
  add_stamps(pipeline, tags);
  // By the stamps that will be current unless somebody else makes some now.
  if (claiming) fill_lock_.add_claim(pipeline, claiming->key, known);
  co_await client_.exchange(pipeline);
  const bool of_resource = tags[named_position] == named_tag;
  std::optional<Current> current = read_stamps(pipeline, sets, tags.size(), 0, of_resource);
  if (!current) co_return current;
  const Stamps& stamps = current->stamps;
  if (claiming)
    claiming->claim =
        fill_lock_.read_claim(pipeline, sets + 1, claiming->key, stamps, claiming->seen);
  if (std::find(stamps.begin(), stamps.end(), Stamp{0}) == stamps.end()) co_return current;

  // Neither set nor readable: evicted in between, or something else lies there. Next time it is
  // gone.
  std::size_t refused = 0;
  while (refused < sets && pipeline.reply(refused).kind != Reply::Kind::error) ++refused;
  if (refused < sets) {
    client_.note_refusal(pipeline.text(pipeline.reply(refused)));
    co_return std::nullopt;
  }
  policy::Tags unreadable;
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (stamps[i] == 0) unreadable.push_back(tags[i]);
  RedisWrites::discard(writes(), unreadable);
  co_return std::nullopt;
}

// Fills -------------------------------------------------------------------------------------------

awaitable<FillStart> RedisStore::begin_fill(std::string key, Resource resource, Stamps known,
                                            policy::StoredResponsePointer seen) {
  const auto self = shared_from_this();
  FillStart start;
  if (!is_available()) co_return start;
  if (!fill_lock_.is_on()) {
    FillStart made = co_await stamps(resource, std::move(known));
    co_return made;
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
    std::optional<Current> made =
        co_await make_stamps(std::move(tags), std::move(known), &claiming);
    if (made) {
      start.stamps = std::move(made->stamps);
      start.leased = made->leased;
    }
  }
  take_claim(key, std::move(claiming.claim), start);
  co_return start;
}

/// What a claim of its key's lock means for a fill that has its stamps.
void RedisStore::take_claim(std::string_view key, FillLock::Claim claim, FillStart& start) {
  start.stored_since = claim.stored_since;
  if (start.leased) {
    // It will store nothing that others could wait for.
    end_fill(key);
    return;
  }
  if (start.stamps && claim.is_misnamed) {
    Pipeline renaming;
    fill_lock_.add_renaming(renaming, key, *start.stamps);
    RedisIndex::send_behind(index(), std::move(renaming));
  }
  start.filled_by = std::move(claim.filled_by);
}

void RedisStore::add_beginning(Look& look) const {
  if (look.presumed.empty()) return;
  add_making(look.pipeline, look.tags, look.presumed);
}

void RedisStore::add_claim(Look& look) const {
  if (look.presumed.empty() || !fill_lock_.is_on()) return;
  look.claim = look.pipeline.commands();
  fill_lock_.add_claim(look.pipeline, look.key, look.presumed);
}

void RedisStore::conclude(Look& look) {
  Lookup& found = look.found.lookup;
  if (look.presumed.empty() || !found.available) return;
  const Stamps& stamps = look.leased ? look.stamps : found.stamps;
  if (found.response || !is_complete(stamps)) {
    // Whoever fills nevertheless asks for the lock again.
    if (look.claim && FillLock::is_taken(look.pipeline, *look.claim)) end_fill(look.key);
    return;
  }
  found.begun = std::make_unique<FillStart>();
  found.begun->stamps = stamps;
  found.begun->leased = look.leased;
  if (look.claim)
    take_claim(look.key,
               fill_lock_.read_claim(look.pipeline, *look.claim, look.key, stamps, nullptr),
               *found.begun);
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

}  // namespace larder::store
