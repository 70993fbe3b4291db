// A linear map in 8-bit integers on the CPU, without LibTorch.
//
// Weights have a scale an output; each row of the input gets its own at run time (its largest magnitude is
// 127), so that nothing saturates and no range has to be calibrated or can be wrong. Sums are exact 32-bit
// integers: every instruction set gives the same bytes. It is chosen at run time (AVX-512 VNNI, AVX2, or what
// the compiler makes of plain loops).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace colmatch {

class Int8Linear {
 public:
  // weight: (outputs, inputs) row-major, quantized here; at most 2^16 inputs. bias: (outputs).
  Int8Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }

  // x: (rows, inputs), y: (rows, outputs), row-major. May run in several threads at once.
  void Apply(const float* x, int64_t rows, float* y) const;

  // "avx512vnni", "avx2", "portable": those this machine can run, the best first. For tests.
  static std::vector<std::string> Kernels();
  void ApplyWith(const std::string& kernel, const float* x, int64_t rows, float* y) const;

  // Sums of unsigned activations times weights. activations: rows x groups x 4 bytes, each 128 more than its
  // integer; weights: groups x columns x 4; sums: rows x columns.
  using Kernel = void (*)(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
                          int64_t columns, int32_t* sums);

 private:
  void Run(Kernel kernel, const float* x, int64_t rows, float* y) const;

  int64_t inputs_, outputs_;
  int64_t groups_, columns_;      // inputs in fours; outputs, a multiple of 16
  std::vector<int8_t> packed_;    // (groups, columns, 4)
  std::vector<int32_t> offsets_;  // (columns): 128 times the sum of an output's weights
  std::vector<float> scales_, bias_;
};

}  // namespace colmatch
