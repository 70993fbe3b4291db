// Queries, keys and values of one head for tests of attention.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "network/kernels/bf16.h"
#include "network/kernels/bf16_attention.h"
#include "tests/normal.h"

namespace colmatch {

inline std::vector<Bf16> Rounded(const std::vector<float>& values) {
  std::vector<Bf16> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(), Bf16FromFloat);
  return rounded;
}

// Head 1 of 2 whose rows lie beside each other, `stride` entries apart.
struct AttentionRows {
  AttentionRows(int64_t queries, int64_t keys, int64_t width)
      : n(queries), shape{keys, width}, stride(2 * width + 2) {
    for (auto* rows : {&query, &key, &value}) *rows = Rounded(Normal(std::max(n, keys) * stride));
  }

  int64_t n;
  Bf16HeadShape shape;
  int64_t stride;
  std::vector<Bf16> query, key, value;
};

}  // namespace colmatch
