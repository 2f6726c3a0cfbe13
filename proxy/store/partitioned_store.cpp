#include "store/partitioned_store.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include "store/xxh3.hpp"

namespace larder::store {

namespace {

/// What is under way to all partitions.
struct Spreading {
  Spreading(const Executor& executor, std::size_t partitions)
      : left(partitions), changed(executor, SteadyClock::time_point::max()) {}

  std::size_t left;
  Timer changed;  ///< cancelled when none is left
};

awaitable<void> carry(std::shared_ptr<Spreading> all, awaitable<void> one) {
  co_await std::move(one);
  if (--all->left == 0) all->changed.cancel();
}

/// Each partition answers within the Redis deadline, and so do all of them.
awaitable<void> together(Executor executor, std::vector<awaitable<void>> ones) {
  const auto all = std::make_shared<Spreading>(executor, ones.size());
  for (awaitable<void>& one : ones)
    asio::co_spawn(executor, carry(all, std::move(one)), asio::detached);
  error_code ignored;
  if (all->left > 0) co_await all->changed.async_wait(asio::redirect_error(use_awaitable, ignored));
}

class PartitionedStore : public Store {
 public:
  PartitionedStore(asio::io_context& context, std::vector<std::unique_ptr<Store>> partitions)
      : executor_(context.get_executor()), partitions_(std::move(partitions)) {}

  std::optional<Lookup> lookup_now(std::string_view key, Resource resource) override {
    return partition_of(key).lookup_now(key, resource);
  }
  void begin_lookup(std::string_view key, Resource resource, OnMiss on_miss,
                    LookedUp done) override {
    partition_of(key).begin_lookup(key, resource, on_miss, std::move(done));
  }
  awaitable<FillStart> stamps(std::string_view key, Resource resource, Stamps known) override {
    return partition_of(key).stamps(key, resource, std::move(known));
  }
  awaitable<FillStart> begin_fill(std::string key, Resource resource, Stamps known,
                                  policy::StoredResponsePointer seen) override {
    Store& partition = partition_of(key);
    return partition.begin_fill(std::move(key), resource, std::move(known), std::move(seen));
  }
  awaitable<bool> is_filling(std::string key, FillStart start,
                             policy::StoredResponsePointer seen) override {
    Store& partition = partition_of(key);
    return partition.is_filling(std::move(key), std::move(start), std::move(seen));
  }
  void end_fill(std::string_view key) override { partition_of(key).end_fill(key); }

  awaitable<PutOutcome> put(std::string key, Resource resource, Stamps stamps,
                            policy::StoredResponsePointer response,
                            std::chrono::seconds lifetime) override {
    Store& partition = partition_of(key);
    return partition.put(std::move(key), resource, std::move(stamps), std::move(response),
                         lifetime);
  }
  awaitable<PutOutcome> freshen(std::string key, Resource resource, Stamps stamps,
                                policy::StoredResponsePointer response,
                                std::chrono::seconds lifetime) override {
    Store& partition = partition_of(key);
    return partition.freshen(std::move(key), resource, std::move(stamps), std::move(response),
                             lifetime);
  }

  awaitable<bool> drop(std::string key) override {
    Store& partition = partition_of(key);
    return partition.drop(std::move(key));
  }

  awaitable<LeasePointer> begin_write(policy::Tags tags) override {
    auto leases = std::make_unique<Leases>();
    leases->of_partitions.resize(partitions_.size());
    std::vector<awaitable<void>> all;
    for (std::size_t i = 0; i < partitions_.size(); ++i)
      all.push_back(take(partitions_[i]->begin_write(tags), leases->of_partitions[i]));
    return begin(executor_, std::move(leases), std::move(all));
  }
  awaitable<EvictOutcome> end_write(LeasePointer lease, policy::Tags evicted) override {
    return tell_all(
        [&](Store& one, std::size_t i) { return one.end_write(part_of(lease, i), evicted); });
  }
  awaitable<EvictOutcome> give_up_write(LeasePointer lease, policy::Tags evicted) override {
    return tell_all(
        [&](Store& one, std::size_t i) { return one.give_up_write(part_of(lease, i), evicted); });
  }
  awaitable<EvictOutcome> soften(policy::Tags tags) override {
    return tell_all([&](Store& one, std::size_t) { return one.soften(tags); });
  }
  void cancel_write(LeasePointer lease) override {
    for (std::size_t i = 0; i < partitions_.size(); ++i)
      partitions_[i]->cancel_write(part_of(lease, i));
  }

  bool is_available() const override {
    return std::all_of(partitions_.begin(), partitions_.end(),
                       [](const std::unique_ptr<Store>& one) { return one->is_available(); });
  }
  void warm() override {
    for (const std::unique_ptr<Store>& partition : partitions_) partition->warm();
  }
  awaitable<void> leave() override {
    std::vector<awaitable<void>> all;
    for (const std::unique_ptr<Store>& partition : partitions_) all.push_back(partition->leave());
    return together(executor_, std::move(all));
  }
  void close() override {
    for (const std::unique_ptr<Store>& partition : partitions_) partition->close();
  }

 private:
  /// `tell` makes what each of them is to do, by its number. Done when all of them are.
  template <class Tell>
  awaitable<EvictOutcome> tell_all(const Tell& tell) {
    const auto outcome = std::make_shared<EvictOutcome>(EvictOutcome::done);
    std::vector<awaitable<void>> all;
    for (std::size_t i = 0; i < partitions_.size(); ++i)
      all.push_back(note(tell(*partitions_[i], i), outcome));
    return end(executor_, std::move(all), outcome);
  }
  Store& partition_of(std::string_view key) { return *partitions_[xxh3(key) % partitions_.size()]; }

  struct Leases : Lease {
    std::vector<LeasePointer> of_partitions;  ///< null where none was to be had
  };
  /// Every lease that is handed in has been made here.
  static LeasePointer part_of(const LeasePointer& lease, std::size_t partition) {
    return lease ? std::move(static_cast<Leases&>(*lease).of_partitions[partition]) : nullptr;
  }

  static awaitable<void> take(awaitable<LeasePointer> one, LeasePointer& lease) {
    LeasePointer taken = co_await std::move(one);
    lease = std::move(taken);
  }
  static awaitable<LeasePointer> begin(Executor executor, std::unique_ptr<Leases> leases,
                                       std::vector<awaitable<void>> all) {
    co_await together(std::move(executor), std::move(all));
    co_return std::move(leases);
  }
  static awaitable<void> note(awaitable<EvictOutcome> one, std::shared_ptr<EvictOutcome> all) {
    const EvictOutcome outcome = co_await std::move(one);
    if (outcome == EvictOutcome::deferred) *all = outcome;
  }
  static awaitable<EvictOutcome> end(Executor executor, std::vector<awaitable<void>> all,
                                     std::shared_ptr<EvictOutcome> outcome) {
    co_await together(std::move(executor), std::move(all));
    co_return *outcome;
  }

  const Executor executor_;
  const std::vector<std::unique_ptr<Store>> partitions_;
};

}  // namespace

std::unique_ptr<Store> make_partitioned_store(asio::io_context& context,
                                              std::vector<std::unique_ptr<Store>> partitions) {
  return std::make_unique<PartitionedStore>(context, std::move(partitions));
}

}  // namespace larder::store
