// Area under the curve; see auc.h.
#include "evaluation/auc.h"

#include <algorithm>

namespace colmatch {

double AreaUnderCurve(std::vector<double> errors, double threshold) {
  if (errors.empty()) return 0;
  std::sort(errors.begin(), errors.end());
  const double n = static_cast<double>(errors.size());
  double area = 0, last_error = 0, last_recall = 0;
  for (size_t i = 0; i < errors.size() && errors[i] < threshold; ++i) {
    const double recall = static_cast<double>(i + 1) / n;
    area += (errors[i] - last_error) * (recall + last_recall) / 2;
    last_error = errors[i];
    last_recall = recall;
  }
  area += (threshold - last_error) * last_recall;
  return area / threshold;
}

}  // namespace colmatch
