// A linear map in bf16 on the CPU, without LibTorch: sums in float32, weights packed once.
#pragma once

#include <cstdint>
#include <vector>

#include "network/kernels/packed_linear.h"

namespace colmatch {

class Bf16Linear : public PackedLinear {
 public:
  // weight: (outputs, inputs) row-major, rounded here. bias: (outputs).
  Bf16Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const override { return outputs_; }
  void Apply(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const override;
  void ApplyRelu(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const override;
  void Add(const Bf16* x, int64_t x_stride, int64_t rows, float* sums, Bf16* y,
           int64_t y_stride) const override;

  // The kernel to use, of those this machine has (Bf16Paths; others are refused): for tests.
  void UsePath(Bf16Path path);

  // What a kernel is told.
  struct Call {
    const Bf16* weights;  // (tiles, pairs of inputs, kTile, 2)
    const float* bias;    // (tiles * kTile)
    int64_t pairs, tiles;
    const Bf16* x;
    int64_t x_stride, rows;
    Bf16* y;
    int64_t y_stride;
    float* sums;  // of Add
  };
  // Outputs of some rows and kTile columns from their sums (rows, kTile).
  using Finish = void(const Call& call, int64_t row, int64_t rows, int64_t column, const float* sums);
  struct Kernel {
    void (*run)(const Call& call);
    Finish* finish;
  };
  struct Kernels {
    Kernel apply, relu, add;
  };
  // A kernel of sums alone, of which `finish` makes outputs; instead of Kernel::run.
  using Tiled = void(const Call& call, Finish* finish);
  void UseTiled(Tiled* tiled) { tiled_ = tiled; }

 private:
  void Run(const Kernel& kernel, const Call& call) const;
  Call CallOf(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const;

  int64_t inputs_, outputs_;
  std::vector<Bf16> weights_;
  std::vector<float> bias_;
  Kernels kernels_ = {};
  Tiled* tiled_ = nullptr;
};

}  // namespace colmatch
