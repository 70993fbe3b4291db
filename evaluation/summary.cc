// Statistics and their bootstrap; see summary.h.
#include "evaluation/summary.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "evaluation/auc.h"

namespace colmatch {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double ValueOf(const Statistic& statistic, const std::vector<double>& values) {
  if (values.empty()) return 0;
  switch (statistic.kind) {
    case Statistic::Kind::kAuc:
      return AreaUnderCurve(values, statistic.auc_threshold);
    case Statistic::Kind::kMedian:
      return Median(values);
    case Statistic::Kind::kMean:
      break;
  }
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Estimate EstimateStatistic(const Statistic& statistic, const std::vector<Measures>& rows, int num_resamples,
                           uint64_t seed) {
  std::vector<double> values;
  for (const Measures& row : rows) {
    const auto found = row.find(statistic.measure);
    if (found != row.end()) values.push_back(found->second);
  }
  Estimate estimate;
  estimate.value = estimate.low = estimate.high = ValueOf(statistic, values);
  if (values.size() < 2 || num_resamples < 1) return estimate;
  std::mt19937_64 rng(seed);  // its numbers are the same everywhere, a std distribution's are not
  std::vector<double> resampled(values.size()), results;
  for (int i = 0; i < num_resamples; ++i) {
    for (double& value : resampled) value = values[rng() % values.size()];
    results.push_back(ValueOf(statistic, resampled));
  }
  std::sort(results.begin(), results.end());
  const auto last = static_cast<double>(results.size() - 1);
  estimate.low = results[static_cast<size_t>(0.025 * last + 0.5)];
  estimate.high = results[static_cast<size_t>(0.975 * last + 0.5)];
  return estimate;
}

}  // namespace colmatch
