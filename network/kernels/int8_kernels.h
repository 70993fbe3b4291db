// Products of unsigned and signed 8-bit integers, summed in 32 bits: exact in every instruction set.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

struct Int8Kernel {
  const char* name;  // "amx", "avx512vnni", "avx2", "portable"
  bool centred;      // whether 128 is taken from each activation first
  // activations: rows x groups x 4, each 128 more than its integer (in [-127, 127]); weights: tiles of 32
  // columns x groups x 32 x 4; sums: rows x (32 tiles).
  void (*run)(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups, int64_t tiles,
              int32_t* sums);
};

// Those this machine can run, the best first.
const std::vector<Int8Kernel>& Int8Kernels();

}  // namespace colmatch
