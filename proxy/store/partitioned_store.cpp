#include "store/partitioned_store.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include "store/xxh3.hpp"

namespace larder::store {

namespace {

/// An eviction on its way to all partitions.
struct Spreading {
  Spreading(const Executor& executor, std::size_t partitions)
      : left(partitions), changed(executor, SteadyClock::time_point::max()) {}

  std::size_t left;
  EvictOutcome outcome = EvictOutcome::done;
  Timer changed;  ///< cancelled when none is left
};

class PartitionedStore : public Store {
 public:
  PartitionedStore(asio::io_context& context, std::vector<std::unique_ptr<Store>> partitions)
      : executor_(context.get_executor()), partitions_(std::move(partitions)) {}

  std::optional<Lookup> lookup_now(std::string_view key, Resource resource) override {
    return partition_of(key).lookup_now(key, resource);
  }
  awaitable<Lookup> lookup(std::string_view key, Resource resource) override {
    return partition_of(key).lookup(key, resource);
  }
  awaitable<std::optional<Stamps>> stamps(std::string_view key, Resource resource,
                                          Stamps known) override {
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

  awaitable<EvictOutcome> evict(policy::Tags tags) override {
    const auto all = std::make_shared<Spreading>(executor_, partitions_.size());
    for (const std::unique_ptr<Store>& partition : partitions_) {
      awaitable<EvictOutcome> one = partition->evict(tags);
      asio::co_spawn(executor_, carry(all, std::move(one)), asio::detached);
    }
    return wait_for(all);
  }

  bool is_available() const override {
    return std::all_of(partitions_.begin(), partitions_.end(),
                       [](const std::unique_ptr<Store>& one) { return one->is_available(); });
  }
  void close() override {
    for (const std::unique_ptr<Store>& partition : partitions_) partition->close();
  }

 private:
  Store& partition_of(std::string_view key) { return *partitions_[xxh3(key) % partitions_.size()]; }

  static awaitable<void> carry(std::shared_ptr<Spreading> all, awaitable<EvictOutcome> one) {
    const EvictOutcome outcome = co_await std::move(one);
    if (outcome == EvictOutcome::deferred) all->outcome = outcome;
    if (--all->left == 0) all->changed.cancel();
  }
  /// Each partition answers within the Redis deadline, and so do all of them.
  static awaitable<EvictOutcome> wait_for(std::shared_ptr<Spreading> all) {
    error_code ignored;
    if (all->left > 0)
      co_await all->changed.async_wait(asio::redirect_error(use_awaitable, ignored));
    co_return all->outcome;
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
