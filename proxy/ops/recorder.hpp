// Recorder: where the records of one thread go.
#pragma once

#include "ops/counters.hpp"
#include "ops/log.hpp"
#include "session/record.hpp"

namespace larder::ops {

class Recorder final : public session::RecordSink {
 public:
  /// Both outlive this.
  Recorder(Counters::Block& counters, AccessLog& log) : counters_(counters), log_(log) {}

  void note(const session::ExchangeRecord& record) override {
    counters_.add(record);
    log_.write(record);
  }
  void note(const session::FillRecord& record) override { counters_.add(record); }

 private:
  Counters::Block& counters_;
  AccessLog& log_;
};

}  // namespace larder::ops
