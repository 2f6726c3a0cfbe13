#include "ops/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <limits>
#include <utility>

#include "ops/process.hpp"

namespace larder::ops {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::vector<ClientMetric::Label> make_labels(Labels labels) {
  std::vector<ClientMetric::Label> made;
  for (const Label& label : labels)
    made.push_back({std::string(label.name), std::string(label.value)});
  return made;
}

class Page {
 public:
  void begin(MetricType type, std::string_view name, std::string_view help) {
    families_.push_back({std::string(name), std::string(help), type, {}});
  }
  template <class Number>
  void add(Labels labels, Number number) {
    ClientMetric metric;
    metric.label = make_labels(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = static_cast<double>(number);
    } else {
      metric.gauge.value = static_cast<double>(number);
    }
    families_.back().metric.push_back(std::move(metric));
  }
  void add(Labels labels, const OutcomeTotals& outcome) {
    ClientMetric metric;
    metric.label = make_labels(labels);
    metric.histogram.sample_count = outcome.requests;
    metric.histogram.sample_sum = in_seconds(outcome.took_together);
    std::uint64_t requests = 0;
    for (std::size_t bucket = 0; bucket < LatencyBuckets::count; ++bucket) {
      requests += outcome.took[bucket];
      const bool is_last = bucket + 1 == LatencyBuckets::count;
      metric.histogram.bucket.push_back(
          {requests, is_last ? std::numeric_limits<double>::infinity()
                             : in_seconds(LatencyBuckets::bound(bucket))});
    }
    families_.back().metric.push_back(std::move(metric));
  }
  template <class Number>
  void counter(std::string_view name, std::string_view help, Number number) {
    begin(MetricType::Counter, name, help);
    add({}, number);
  }
  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number number) {
    begin(MetricType::Gauge, name, help);
    add({}, number);
  }
  [[nodiscard]] std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

/// Worth a line of its own: seen, or to be seen.
bool is_shown(const RuleTotals& rule) {
  return rule.requests() > 0 || rule.in_force;
}

template <class Show>
void for_each_outcome(const Totals& totals, const Show& show) {
  for (const RuleTotals& rule : totals.rules) {
    if (!is_shown(rule)) continue;
    for (std::size_t i = 0; i < cache_results; ++i)
      show(rule, format_outcome(static_cast<policy::CacheResult>(i)), rule.outcomes[i]);
  }
}

void add_requests(const Totals& totals, Page& page) {
  page.begin(MetricType::Counter, "larder_requests_total",
             "Requests answered, by rule and by what the cache did.");
  for_each_outcome(
      totals, [&](const RuleTotals& rule, std::string_view name, const OutcomeTotals& outcome) {
        page.add({{"rule", rule.name}, {"outcome", name}}, outcome.requests);
      });
  page.begin(MetricType::Histogram, "larder_request_duration_seconds",
             "From a request's head to the last byte of its answer.");
  for_each_outcome(
      totals, [&](const RuleTotals& rule, std::string_view name, const OutcomeTotals& outcome) {
        if (outcome.requests > 0) page.add({{"rule", rule.name}, {"outcome", name}}, outcome);
      });
  page.begin(MetricType::Counter, "larder_response_content_bytes_total",
             "Content sent to clients, without heads.");
  for_each_outcome(
      totals, [&](const RuleTotals& rule, std::string_view name, const OutcomeTotals& outcome) {
        if (outcome.requests > 0)
          page.add({{"rule", rule.name}, {"outcome", name}}, outcome.content_bytes);
      });
  page.begin(MetricType::Counter, "larder_responses_total",
             "Answers by status; none: the client went before there was one.");
  static constexpr std::string_view classes[]{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < status_classes; ++i)
    page.add({{"status", classes[i]}}, totals.statuses[i]);
  page.begin(MetricType::Counter, "larder_hits_total",
             "Requests answered from what was stored, by the tier that had it.");
  page.add({{"tier", "memory"}}, totals.tiers[static_cast<std::size_t>(store::Tier::memory)]);
  page.add({{"tier", "redis"}}, totals.tiers[static_cast<std::size_t>(store::Tier::redis)]);
  page.counter("larder_cut_off_total", "Requests whose client did not get all of the answer.",
               totals.cut_off);
}

void add_fills(const Totals& totals, Page& page) {
  page.begin(MetricType::Counter, "larder_collapsed_total",
             "Requests that waited for a fill that another had begun.");
  for (const RuleTotals& rule : totals.rules)
    if (is_shown(rule)) page.add({{"rule", rule.name}}, rule.collapsed);
  page.begin(MetricType::Counter, "larder_fills_total",
             "Requests of Larder's own to fill the store, by how they ended.");
  for (const RuleTotals& rule : totals.rules) {
    for (std::size_t i = 0; i < fill_ends; ++i) {
      if (is_shown(rule) && (rule.is_rule || rule.fills[i] > 0))
        page.add(
            {{"rule", rule.name}, {"outcome", format_fill_end(static_cast<session::FillEnd>(i))}},
            rule.fills[i]);
    }
  }
  page.begin(MetricType::Counter, "larder_fill_origin_seconds_total",
             "What the origin took for the fills that were stored.");
  for (const RuleTotals& rule : totals.rules)
    if (is_shown(rule)) page.add({{"rule", rule.name}}, in_seconds(rule.origin_time));
  page.begin(MetricType::Gauge, "larder_saved_origin_seconds",
             "Hits times what a stored fill of their rule took the origin on average.");
  for (const RuleTotals& rule : totals.rules)
    if (is_shown(rule)) page.add({{"rule", rule.name}}, in_seconds(rule.origin_time_saved()));
  page.begin(MetricType::Counter, "larder_not_stored_total",
             "Fills whose answer was not stored, by why (Cache-Status detail).");
  for (std::size_t i = 0; i < details; ++i) {
    if (totals.not_stored[i] > 0)
      page.add({{"reason", policy::format_detail(static_cast<policy::Detail>(i))}},
               totals.not_stored[i]);
  }
}

void add_verifications(const Totals& totals, Page& page) {
  page.begin(MetricType::Counter, "larder_verifications_total",
             "Hits compared with what the origin says now, by rule and finding.");
  for (const RuleTotals& rule : totals.rules) {
    for (std::size_t i = 0; i < findings; ++i) {
      if (is_shown(rule) && (rule.is_rule || rule.verified[i] > 0))
        page.add({{"rule", rule.name},
                  {"finding", format_finding(static_cast<policy::VerifiedHit::Finding>(i))}},
                 rule.verified[i]);
    }
  }
}

void add_failures(const Totals& totals, Page& page) {
  const auto add = [&](bool of_clients) {
    for (std::size_t i = 1; i < fetch_failures; ++i) {
      const auto failure = static_cast<session::FetchFailure>(i);
      if (session::is_clients_fault(failure) != of_clients) continue;
      page.add({{"reason", session::format_fetch_failure(failure)}}, totals.failures[i]);
    }
  };
  page.begin(MetricType::Counter, "larder_origin_failures_total",
             "Requests for which the origin gave no answer, or not all of it.");
  add(false);
  page.begin(MetricType::Counter, "larder_client_failures_total",
             "Requests whose content was at fault, or did not come.");
  add(true);
}

void add_evictions(const Totals& totals, Page& page) {
  page.begin(MetricType::Counter, "larder_evictions_total",
             "Evictions that this process asked for, by cause.");
  page.add({{"cause", "write"}}, totals.evictions[static_cast<std::size_t>(EvictionCause::write)]);
  page.add({{"cause", "purge"}}, totals.evictions[static_cast<std::size_t>(EvictionCause::purge)]);
  page.add({{"cause", "verification"}},
           totals.evictions[static_cast<std::size_t>(EvictionCause::verification)]);
  page.counter("larder_evicted_tags_total", "Tags that these evictions named.",
               totals.evicted_tags);
  page.counter("larder_deferred_evictions_total",
               "Evictions that Redis did not acknowledge before the write was answered.",
               totals.deferred_evictions);
}

void add_origin(const Status& status, Page& page) {
  page.gauge("larder_origin_limit", "Requests to the origin at once; 0 is no limit.",
             status.origin.limit);
  page.gauge("larder_origin_in_flight", "Requests that the origin has now.",
             status.origin.in_flight);
  page.gauge("larder_origin_waiting", "Requests that wait for a place with the origin.",
             status.origin.waiting);
  page.counter("larder_origin_queue_full_total", "Requests refused, since too many waited.",
               status.origin.refused);
  page.counter("larder_origin_queue_timeouts_total", "Requests that waited in vain for a place.",
               status.origin.timed_out);
  page.begin(MetricType::Gauge, "larder_backend_up",
             "Whether requests are sent to this upstream: 0 while it is left out.");
  for (const session::Backends::Status& backend : status.backends)
    page.add({{"upstream", backend.upstream}}, backend.state == policy::BackendState::in ||
                                                   backend.state == policy::BackendState::starting);
  page.begin(MetricType::Gauge, "larder_backend_in_flight", "Requests that this upstream has now.");
  for (const session::Backends::Status& backend : status.backends)
    page.add({{"upstream", backend.upstream}}, backend.in_flight);
  page.begin(MetricType::Counter, "larder_backend_ejections_total",
             "How often this upstream was left out for its answers.");
  for (const session::Backends::Status& backend : status.backends)
    page.add({{"upstream", backend.upstream}}, backend.ejected);
}

void add_stores(const Status& status, Page& page) {
  page.gauge("larder_memory_bytes", "Stored responses in memory, with what keeping them takes.",
             status.memory.bytes);
  page.gauge("larder_memory_capacity_bytes", "What they may take; 0: there is no memory tier.",
             status.memory.capacity);
  page.gauge("larder_memory_responses", "Stored responses in memory.", status.memory.responses);
  page.counter("larder_memory_given_up_total",
               "Stored responses that memory gave up for others, for lack of room.",
               status.memory.given_up);
  if (!status.redis) return;
  page.gauge("larder_redis_up", "Whether every thread can use Redis.", status.redis->is_usable);
  page.gauge(
      "larder_redis_pending_evictions",
      "Tags whose eviction Redis has not acknowledged yet; nothing is served from it till then.",
      status.redis->pending_evictions);
  page.counter("larder_redis_failures_total",
               "Lookups and stores that Redis, though in use, refused or did not answer.",
               status.redis->failures);
  if (!status.redis->figures) return;
  page.gauge("larder_redis_memory_used_bytes", "used_memory of Redis.",
             status.redis->figures->used);
  page.gauge("larder_redis_memory_max_bytes", "maxmemory of Redis; 0: it has no cap.",
             status.redis->figures->most);
  page.counter("larder_redis_evicted_keys_total",
               "evicted_keys of Redis: what it dropped of anybody's to stay below its cap.",
               status.redis->figures->evicted);
}

void add_process(const Status& status, Page& page) {
  page.begin(MetricType::Gauge, "larder_build_info", "1, with what is running.");
  page.add({{"version", LARDER_VERSION}}, 1);
  page.gauge("larder_connections", "Connections of clients, open now.", status.connections);
  page.gauge("larder_requests_in_flight", "Requests that are being answered now.", status.requests);
  page.gauge("larder_fills_in_flight",
             "Answers that are waited for, arrive or are being stored now.", status.fills);
  page.counter("larder_log_lines_dropped_total",
               "Lines of the log that stderr did not take in time.", status.lines_dropped);
  if (status.spans) {
    page.counter("larder_spans_exported_total", "Spans that the collector has taken.",
                 status.spans->exported);
    page.counter("larder_spans_dropped_total",
                 "Spans that the collector did not take, or that there was no room for.",
                 status.spans->dropped);
  }
  page.counter("larder_rules_reloads_total", "Changes of the rules that came into force.",
               status.rules.reloads);
  page.counter("larder_rules_failed_reloads_total",
               "Changes of the rules that had errors, so that the old ones stayed.",
               status.rules.failed_reloads);
  page.gauge("larder_rules_last_reload_successful",
             "0 while the rules' last change has errors, so that older ones are in force.",
             status.rules.last_reload_failed ? 0 : 1);
  const ProcessFigures process = read_process_figures();
  page.counter("process_cpu_seconds_total", "User and system time, of all threads.",
               process.cpu_seconds);
  page.gauge("process_resident_memory_bytes", "Resident memory.", process.resident_bytes);
  page.gauge("process_open_fds", "Open files and sockets.", process.open_files);
  page.gauge("process_max_fds", "How many of them there may be.", process.most_files);
  page.gauge("process_start_time_seconds", "When it was started, since 1970.",
             process.start_time_seconds);
}

}  // namespace

std::vector<MetricFamily> Metrics::Collect() const {
  const Status status = status_();
  Page page;
  add_requests(status.totals, page);
  add_fills(status.totals, page);
  add_verifications(status.totals, page);
  add_failures(status.totals, page);
  add_evictions(status.totals, page);
  add_origin(status, page);
  add_stores(status, page);
  add_process(status, page);
  return page.take();
}

namespace {

/// OpenMetrics differs from the older text in two things: the family of a counter is named without
/// the `_total` of its samples, and the end is told.
std::string make_open_metrics(std::string_view text) {
  std::string made;
  made.reserve(text.size() + 8);
  constexpr std::string_view suffix = "_total";
  while (!text.empty()) {
    const std::size_t end = text.find('\n') + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const bool is_told = line.starts_with("# ");
    const std::size_t name = is_told ? line.find(' ', 2) + 1 : 0;
    const std::size_t name_end = line.find(' ', name);
    const std::string_view named = line.substr(0, name_end);
    made +=
        is_told && named.ends_with(suffix) ? named.substr(0, named.size() - suffix.size()) : named;
    made += line.substr(name_end);
  }
  return made += "# EOF\n";
}

}  // namespace

MetricsPage make_metrics_page(const prometheus::Collectable& metrics, std::string_view accept) {
  std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  if (accept.find("application/openmetrics-text") == std::string_view::npos)
    return {"text/plain; version=0.0.4; charset=utf-8", std::move(text)};
  return {"application/openmetrics-text; version=1.0.0; charset=utf-8", make_open_metrics(text)};
}

}  // namespace larder::ops
