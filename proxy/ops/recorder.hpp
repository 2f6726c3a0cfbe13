// Recorder: where the records of one thread go.
#pragma once

#include "ops/counters.hpp"
#include "ops/log.hpp"
#include "ops/tail.hpp"
#include "ops/url_ranking.hpp"
#include "session/record.hpp"

namespace larder::ops {

class Recorder final : public session::RecordSink {
 public:
  /// All outlive this.
  Recorder(Counters::Block& counters, AccessLog& log, UrlRanking& urls, Tail& tail)
      : counters_(counters), log_(log), urls_(urls), tail_(tail) {}

  void note(const session::ExchangeRecord& record) override {
    counters_.add(record);
    log_.write(record);
    urls_.note(record);
    tail_.note(record);
  }
  void note(const session::FillRecord& record) override { counters_.add(record); }

 private:
  Counters::Block& counters_;
  AccessLog& log_;
  UrlRanking& urls_;
  Tail& tail_;
};

}  // namespace larder::ops
