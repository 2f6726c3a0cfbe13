// Page data: what the page shows besides the counters, gathered as requests end.
#pragma once

#include "ops/history.hpp"
#include "ops/tail.hpp"
#include "ops/url_ranking.hpp"

namespace larder::ops {

struct PageData {
  /// Does note() make anything of it? Of hits that nobody watches it does not.
  [[nodiscard]] bool is_wanted(const session::ExchangeRecord& record) const {
    return record.cache.forward || tail.is_watched();
  }
  void note(const session::ExchangeRecord& record) {
    urls.note(record);
    tail.note(record);
  }

  UrlRanking urls;
  Tail tail;
  History history;  ///< of the main thread
};

}  // namespace larder::ops
