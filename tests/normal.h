// Random numbers for tests without LibTorch.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tests/test_seed.h"

namespace colmatch {

// Of the standard normal distribution.
inline std::vector<float> Normal(int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = normal(TestRng());
  return values;
}

}  // namespace colmatch
