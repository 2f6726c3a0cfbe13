// Recorder: where the records of one thread go.
#pragma once

#include "ops/access_log.hpp"
#include "ops/counters.hpp"
#include "ops/page_data.hpp"
#include "ops/span_exporter.hpp"
#include "session/record.hpp"

namespace larder::ops {

class Recorder final : public session::RecordSink {
 public:
  /// All outlive this. `spans` may be null: none are recorded.
  Recorder(const config::Settings& settings, Counters::Block& counters, LineSource& lines,
           SpanQueue* spans, PageData& page)
      : counters_(counters), log_(settings, lines), spans_(spans), page_(page) {}

  void note(const session::ExchangeRecord& record) override {
    counters_.add(record);
    log_.write(record);
    if (record.span && spans_) spans_->add(record);
    page_.note(record);
  }
  void note(const session::FillRecord& record) override { counters_.add(record); }

 private:
  Counters::Block& counters_;
  AccessLog log_;
  SpanQueue* spans_;
  PageData& page_;
};

}  // namespace larder::ops
