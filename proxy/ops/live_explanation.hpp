// Live explanation: what a running Larder would make of a request now, with what it has learned and
// what is stored. Nothing is asked of the origin, and nothing is evicted.
#pragma once

#include "ops/admin.hpp"
#include "ops/url_ranking.hpp"
#include "session/worker.hpp"
#include "store/io.hpp"

namespace larder::ops {

/// GET with the parameters `method`, `url`, `field` (any number), `peer` and `format` (text or
/// json), or POST with them in a JSON object, `fields` a list, so that no credentials stand in a
/// URL. A `url` without scheme and host has those that clients asked under last. To be run on the
/// worker's io_context. `urls`: what the origin was asked for last; outlives it.
[[nodiscard]] awaitable<AdminAnswer> explain_live(session::Worker& worker, const UrlRanking& urls,
                                                  AdminRequest request);

}  // namespace larder::ops
