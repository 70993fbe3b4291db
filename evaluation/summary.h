// From what was measured pair by pair to a line of a table: means, medians and areas under error curves, each
// with the interval that other pairs of the same kind would give.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace colmatch {

// What one pair gave, by name; a quantity that is not defined for it is absent. An error is infinite where
// nothing was found.
using Measures = std::map<std::string, double>;

struct Statistic {
  enum class Kind { kMean, kMedian, kAuc };

  std::string key;  // in metrics.json
  std::string
      threshold;  // of an AUC or of a correct match, as text: the member of the object `key`; may be empty
  std::string title;    // of the table's column
  std::string measure;  // the quantity it is made from
  Kind kind = Kind::kMean;
  double auc_threshold = 0;
  double scale = 100;  // in the table; metrics.json holds the value itself
};

struct Estimate {
  double value = 0, low = 0, high = 0;  // low and high: the 95 % interval
};

// The statistic of the rows and its bootstrap interval (percentiles 2.5 and 97.5 over resamplings of the
// rows). Rows without the measure are left out; of none everything is 0. The same seed and number of rows
// draw the same rows for every method and statistic, so that intervals of one table belong together.
Estimate EstimateStatistic(const Statistic& statistic, const std::vector<Measures>& rows,
                           int num_resamples = 1000, uint64_t seed = 0);

}  // namespace colmatch
