// Whether the tile kernels give what plain loops give, on products of small integers, which every order of
// sums gives exactly: tried once before AMX is used, because a processor, a hypervisor or a system that gets
// tiles wrong would make every match wrong and say nothing.
#pragma once

#include <cstdint>

#include "network/kernels/tile_products.h"

namespace colmatch {

// The kernels of tile_products.h.
struct TileKernels {
  void (*int8)(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups, int64_t tiles,
               int32_t* sums);
  void (*bf16)(const Bf16Linear::Call& call, Bf16Linear::Finish* finish);
  void (*rows)(const TileMatrix& matrix, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
               int64_t sums_stride, bool add);
  Bf16Convolution::TiledKernel* convolution;
};

// Whole blocks and less than one, in rows, columns and groups: about 3 ms.
bool TilesAreRight(const TileKernels& kernels);

}  // namespace colmatch
