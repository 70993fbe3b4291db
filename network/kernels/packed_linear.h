// A linear map with its weights packed once, on rows in bf16: what the layers of superglue_engine.h are made
// of.
#pragma once

#include <cstdint>

#include "network/kernels/bf16.h"

namespace colmatch {

// Thread-safe. Sums are float32 or exact; a row's result does not depend on the rows beside it.
class PackedLinear {
 public:
  virtual ~PackedLinear() = default;
  virtual int64_t outputs() const = 0;

  // Rows of x and y have so many entries: pairs are read and whole tiles written. What exceeds the inputs
  // must be finite; what exceeds the outputs becomes 0.
  static int64_t PaddedInputs(int64_t inputs) { return (inputs + 1) / 2 * 2; }
  static int64_t PaddedOutputs(int64_t outputs) { return (outputs + kTile - 1) / kTile * kTile; }

  // y = x W^T + b, rounded, x (rows, inputs) and y (rows, outputs), rows so many entries apart.
  virtual void Apply(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const = 0;
  // The same with what is negative set to 0.
  virtual void ApplyRelu(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const = 0;
  // sums += x W^T + b in float32, (rows, PaddedOutputs), and rounded to y.
  virtual void Add(const Bf16* x, int64_t x_stride, int64_t rows, float* sums, Bf16* y,
                   int64_t y_stride) const = 0;

  static constexpr int64_t kTile = 32;  // outputs a kernel works on at once
};

}  // namespace colmatch
