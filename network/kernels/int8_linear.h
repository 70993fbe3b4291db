// A linear map in 8-bit integers on the CPU, without LibTorch.
//
// Weights have a scale an output; each row of the input gets its own at run time (its largest magnitude is
// 127), so that nothing saturates and no range has to be calibrated or can be wrong. Sums are exact 32-bit
// integers: every kernel of a machine gives the same bytes (int8_kernels.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/kernels/int8_kernels.h"
#include "network/kernels/packed_linear.h"

namespace colmatch {

class Int8Linear : public PackedLinear {
 public:
  // weight: (outputs, inputs) row-major, quantized here; at most 2^16 inputs. bias: (outputs).
  Int8Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const override { return outputs_; }

  // x: (rows, inputs), y: (rows, outputs), row-major.
  void Apply(const float* x, int64_t rows, float* y) const;

  void Apply(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const override;
  void ApplyRelu(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const override;
  void Add(const Bf16* x, int64_t x_stride, int64_t rows, float* sums, Bf16* y,
           int64_t y_stride) const override;

  // Kernels by name, see Int8Kernels: for tests.
  static std::vector<std::string> Kernels();
  void UseKernel(const std::string& name);
  void UseKernel(const Int8Kernel& kernel) { kernel_ = &kernel; }  // which must outlive this

 private:
  // load(row, floats) gives a row of inputs, store(row, floats) takes one of PaddedOutputs.
  template <typename LoadRow, typename StoreRow>
  void Run(int64_t rows, const LoadRow& load, const StoreRow& store) const;

  int64_t inputs_, outputs_;
  int64_t groups_, columns_;    // inputs in fours, a multiple of 16 inputs; outputs, a multiple of a tile
  std::vector<int8_t> packed_;  // (tiles, groups, kTile, 4)
  std::vector<int32_t> offsets_, no_offsets_;  // (columns): 128 times the sum of an output's weights; zeros
  std::vector<float> scales_, bias_;           // (columns)
  const Int8Kernel* kernel_ = nullptr;
};

}  // namespace colmatch
