// Metrics: the status as Prometheus reads it. prometheus-cpp writes the text; what is counted stays
// in the counters' blocks and is read when it is asked for, so that nothing is counted twice.
//
// Names and units: deploy/prometheus/README.md.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/stats.hpp"

namespace larder::ops {

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(std::function<Status()> status) : status_(std::move(status)) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<Status()> status_;
};

struct MetricsPage {
  std::string content_type;
  std::string text;
};
/// For a scraper that sends this Accept: OpenMetrics where that is named, else Prometheus' own
/// text.
[[nodiscard]] MetricsPage make_metrics_page(const prometheus::Collectable& metrics,
                                            std::string_view accept);

}  // namespace larder::ops
