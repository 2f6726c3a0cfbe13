#include "ops/access_log.hpp"

#include "ops/redaction.hpp"

namespace larder::ops {

namespace {

bool went_well(const session::ExchangeRecord& record) {
  return record.cache.result == policy::CacheResult::hit && record.status < 400 &&
         !record.cut_off && record.failure == session::FetchFailure::none;
}

}  // namespace

AccessLog::AccessLog(const config::Settings& settings, LineSource& lines)
    : settings_(settings), format_(line_format(settings)), lines_(lines) {}

// The multiples of an odd number near 2^64 / phi are spread evenly: of any ten hits in a row, one
// in ten is one.
bool AccessLog::is_wanted(const session::ExchangeRecord& record) {
  if (!went_well(record)) return true;
  drawn_ += 0x9e3779b97f4a7c15U;
  return (drawn_ >> 32) * 1'000'000 < (std::uint64_t{settings_.log_sample} << 32);
}

void AccessLog::write(const session::ExchangeRecord& record) {
  if (!settings_.access_log || !is_wanted(record)) return;
  const std::string_view query = redact_query(record.query, settings_.log_hidden, query_);
  if (query.data() == record.query.data() && format_ != LineFormat::combined) {
    write_line(record, format_, line_);
  } else {
    session::ExchangeRecord shown = record;
    shown.query = query;
    if (record.request)
      shown.referer = redact_url(record.request->fields.first("referer").value_or(""),
                                 settings_.log_hidden, referer_);
    write_line(shown, format_, line_);
  }
  lines_.write(line_);
}

}  // namespace larder::ops
