#include "policy/confidence.hpp"

#include <cmath>

namespace larder::policy {

namespace {

constexpr double doubt = 0.05;

/// Of seeing at most `events` in `trials` at this rate.
double probability_of_at_most(std::uint64_t events, std::uint64_t trials, double rate) {
  const double n = static_cast<double>(trials);
  double sum = 0;
  for (std::uint64_t i = 0; i <= events; ++i) {
    const double k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(rate) + (n - k) * std::log1p(-rate));
  }
  return sum;
}

}  // namespace

double upper_bound_of_rate(std::uint64_t events, std::uint64_t trials) {
  if (events >= trials) return 1;
  // Beyond these the sum would take long and say nothing new.
  constexpr std::uint64_t many = 10'000;
  const double seen = static_cast<double>(events) / static_cast<double>(trials);
  if (events > many) {
    constexpr double z = 1.645;
    return seen + z * std::sqrt(seen * (1 - seen) / static_cast<double>(trials));
  }
  double low = seen;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double rate = (low + high) / 2;
    if (rate <= 0 || rate >= 1) break;
    (probability_of_at_most(events, trials, rate) > doubt ? low : high) = rate;
  }
  return high;
}

}  // namespace larder::policy
