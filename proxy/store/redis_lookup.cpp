#include "store/redis_lookup.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "store/stamps.hpp"

namespace larder::store {

policy::StoredResponsePointer LargeInUse::share(std::string_view key,
                                                policy::StoredResponsePointer loaded,
                                                const Stamps& stamps) {
  if (loaded->content.size < large) return loaded;
  if (uses_.size() >= most)
    std::erase_if(uses_, [](const auto& use) { return use.second.response.expired(); });
  Use& use = uses_[std::string(key)];
  policy::StoredResponsePointer present = use.response.lock();
  if (present && use.stamps == stamps && present->head == loaded->head &&
      present->response_time == loaded->response_time &&
      present->content.size == loaded->content.size)
    return present;
  use = {loaded, stamps};
  return loaded;
}

inline RedisLookups::Call::Call(std::shared_ptr<RedisLookups> of, const Resource& resource,
                                OnMiss next, LookedUp who, std::string_view key, Underway& room,
                                const LocalStamps* local)
    : all(std::move(of)),
      rule(resource.rule),
      most_variants(resource.most_variants),
      on_miss(next),
      done(std::move(who)),
      look{.key = key, .tags = room.tags, .pipeline = room.pipeline, .local = local} {}

RedisLookups::Pointer RedisLookups::take_spare() {
  if (spare_.empty()) return std::make_unique<Underway>();
  Pointer one = std::move(spare_.back());
  spare_.pop_back();
  return one;
}

template <void (RedisLookups::*step)(RedisLookups::Pointer)>
void RedisLookups::exchange(Pointer one) {
  Pipeline& pipeline = one->pipeline;
  auto go_on = [one = std::move(one)]() mutable {
    const std::shared_ptr<RedisLookups> all = one->call->all;
    ((*all).*step)(std::move(one));
  };
  if (pipeline.commands() > 0)
    redis_->exchange(pipeline, Resume(std::move(go_on)));
  else
    asio::post(executor_, std::move(go_on));
}

void RedisLookups::begin(std::string_view key, const Resource& resource, OnMiss on_miss,
                         LookedUp done) {
  Pointer one = take_spare();
  put_stamped_tags(resource, one->tags);
  const bool keeps = shared_.memory.capacity() > 0;
  Call& call = one->call.emplace(shared_from_this(), resource, on_miss, std::move(done), key, *one,
                                 keeps ? &shared_.stamps : nullptr);
  // Before Redis is read: whoever hears of an eviction meanwhile makes the guard old.
  call.noted.by = listening(shared_, *redis_);
  if (keeps) call.held = shared_.memory.find(key, SteadyClock::now());
  if (!call.held) return ask(std::move(one));
  call.look.own = call.held->response->tags.to_vector();
  redis_->ask_stamps(call.look);
  exchange<&RedisLookups::verify>(std::move(one));
}

void RedisLookups::verify(Pointer one) {
  Call& call = *one->call;
  std::optional<RedisStore::Current> current = redis_->take_stamps(call.look);
  if (!current) {
    ++shared_.failures;
    return end(std::move(one), {nullptr, Tier::none, {}, false});
  }
  MemoryStore::Found& held = *call.held;
  const Standing standing = standing_of(held.stamps, current->stamps, current->own);
  if (standing != Standing::evicted) {
    const bool softened = standing == Standing::softened;
    // A lease that runs out may be heard of late: what it guards is asked for each time.
    if (current->leased)
      current->stamps.clear();
    else if (!softened)
      shared_.memory.note_verified(call.look.key, held.response.get(), call.noted.by);
    Lookup found{std::move(held.response), Tier::memory, std::move(current->stamps), true,
                 softened};
    return end(std::move(one), std::move(found));
  }
  // Evicted by another replica; Redis may have what came after.
  shared_.memory.erase(call.look.key, held.response.get());
  call.look.own.clear();
  one->pipeline.clear();
  ask(std::move(one));
}

void RedisLookups::ask(Pointer one) {
  RedisStore::Look& look = one->call->look;
  if (look.local) one->call->noted.local = look.local->current(look.tags);
  presume(*one);
  redis_->ask(look);
  exchange<&RedisLookups::take>(std::move(one));
}

/// That nothing will be found, if so.
void RedisLookups::presume(Underway& one) {
  Call& call = *one.call;
  if (call.on_miss != OnMiss::fill || !presumption_.is_conceivable(call.rule)) return;
  // Before Redis is asked: a stamp is not presumed beyond an eviction that is heard of meanwhile.
  if (call.noted.local.empty()) call.noted.local = shared_.stamps.current(call.look.tags);
  if (presumption_.is_miss(call.rule)) call.look.presumed = presumption_.stamps_of(call.look.tags);
}

void RedisLookups::note_presumption(const Underway& one) {
  const Call& call = *one.call;
  const Lookup& found = call.look.found.lookup;
  if (call.on_miss != OnMiss::fill || !found.available) return;
  presumption_.note(call.rule, !found.response);
  if (!found.response) presumption_.note(call.look.tags, call.noted.local, found.stamps);
}

void RedisLookups::take(Pointer one) {
  const bool is_asked = one->pipeline.commands() > 0;
  if (is_asked && redis_->take(one->call->look))
    asio::co_spawn(executor_, look_again(std::move(one)), asio::detached);
  else
    use(std::move(one));
}

/// For what another process has stored with tags of its own: once, so that it may be a coroutine.
awaitable<void> RedisLookups::look_again(Pointer one) {
  Call& call = *one->call;
  const std::shared_ptr<RedisLookups> all = call.all;
  co_await all->redis_->look_again(call.look);
  all->use(std::move(one));
}

void RedisLookups::use(Pointer one) {
  Call& call = *one->call;
  RedisStore::Found& found = call.look.found;
  if (!found.lookup.available) ++shared_.failures;
  redis_->conclude(call.look);
  note_presumption(*one);
  if (found.lookup.response) {
    call.noted.own_local = std::move(found.own_local);
    found.lookup.response =
        large_.share(call.look.key, std::move(found.lookup.response), found.kept);
    // What is softened does not last, and memory's own stamps do not tell it from what is not.
    if (!found.leased && !found.lookup.softened)
      keep(shared_, call.look.key, one->tags, call.most_variants, call.noted,
           *found.lookup.response, found.kept, found.left);
  }
  Lookup result = std::move(found.lookup);
  end(std::move(one), std::move(result));
}

/// The last thing that is done: whoever goes on may ask for the next one, or destroy the store.
void RedisLookups::end(Pointer one, Lookup found) {
  LookedUp done = std::move(one->call->done);
  one->call.reset();
  one->pipeline.clear();
  if (spare_.size() < most_spare) spare_.push_back(std::move(one));
  std::move(done)(std::move(found));
}

}  // namespace larder::store
