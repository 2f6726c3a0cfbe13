// Partitioned store: one store over the partitions of a Redis Cluster, each a store of its own.
//
// A key's hash chooses its partition. Each partition has stamps of its own, so an eviction goes to
// all of them at once, and is done when all have acknowledged it; what one did not is pending
// there, and keeps this process from using that partition alone.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "store/store.hpp"

namespace larder::store {

/// `partitions`: the same number, in the same order, in every process that shares the cluster.
[[nodiscard]] std::unique_ptr<Store> make_partitioned_store(
    asio::io_context& context, std::vector<std::unique_ptr<Store>> partitions);

}  // namespace larder::store
