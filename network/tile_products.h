// Linear maps by AMX's tiles (Sapphire Rapids and later); see tile_products-inl.h.
#pragma once

#include <cstdint>

#include "network/bf16_linear.h"

namespace colmatch {

// What LDTILECFG reads: every register is 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#if defined(__x86_64__)

// Only where HasAmx (amx.h) says so.
namespace amx {

void Int8Products(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
                  int64_t tiles, int32_t* sums);
void Bf16Products(const Bf16Linear::Call& call, Bf16Linear::Finish* finish);

}  // namespace amx

#endif

}  // namespace colmatch
