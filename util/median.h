// The middle of some numbers, by selection: for times and places, where it does not matter which of two is
// taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace colmatch {

// The larger of the two in the middle of an even number; 0 of none.
inline double UpperMedian(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace colmatch
