// Recorder: where the records of one thread go.
#pragma once

#include "ops/counters.hpp"
#include "ops/log.hpp"
#include "ops/page_data.hpp"
#include "session/record.hpp"

namespace larder::ops {

class Recorder final : public session::RecordSink {
 public:
  /// All outlive this.
  Recorder(Counters::Block& counters, AccessLog& log, PageData& page)
      : counters_(counters), log_(log), page_(page) {}

  void note(const session::ExchangeRecord& record) override {
    counters_.add(record);
    log_.write(record);
    page_.note(record);
  }
  void note(const session::FillRecord& record) override { counters_.add(record); }

 private:
  Counters::Block& counters_;
  AccessLog& log_;
  PageData& page_;
};

}  // namespace larder::ops
