// Recorder: where the records of one thread go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/access_log.hpp"
#include "ops/counters.hpp"
#include "ops/page_data.hpp"
#include "ops/redaction.hpp"
#include "ops/span_exporter.hpp"
#include "session/record.hpp"

namespace larder::ops {

class Recorder final : public session::RecordSink {
 public:
  /// All outlive this. `spans` may be null: none are recorded.
  Recorder(const config::Settings& settings, Counters::Block& counters, LineSource& lines,
           SpanQueue* spans, PageData& page)
      : counters_(counters),
        log_(settings, lines),
        spans_(spans),
        hidden_(settings.log_hidden),
        page_(page) {}

  void note(const session::ExchangeRecord& record) override {
    counters_.add(record);
    log_.write(record);
    if (record.span && spans_) spans_->add(record);
    if (page_.is_wanted(record)) note_for_page(record);
  }
  void note(const session::FillRecord& record) override { counters_.add(record); }
  void note(const session::VerificationRecord& record) override { counters_.add(record); }

 private:
  void note_for_page(const session::ExchangeRecord& record) {
    const std::string_view query = redact_query(record.query, hidden_, query_);
    if (query.data() == record.query.data()) {
      page_.note(record);
    } else {
      session::ExchangeRecord shown = record;
      shown.query = query;
      page_.note(shown);
    }
  }

  Counters::Block& counters_;
  AccessLog log_;
  SpanQueue* spans_;
  const std::vector<std::string>& hidden_;  ///< names of query parameters
  std::string query_;                       ///< keeps its room
  PageData& page_;
};

}  // namespace larder::ops
