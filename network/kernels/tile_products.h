// Linear maps and convolutions by AMX's tiles (Sapphire Rapids and later); see tile_products-inl.h.
#pragma once

#include <cstdint>

#include "network/kernels/bf16_convolution.h"
#include "network/kernels/bf16_linear.h"

namespace colmatch {

// What LDTILECFG reads. Registers 0 to 3, sums, are 16 rows of 64 bytes; 4 and 5 have `groups` groups of 4
// bytes in each of 16 rows, 6 and 7 have `groups` rows of 64 bytes (1 to 16).
struct alignas(64) TileShapes {
  explicit TileShapes(int64_t groups = 16) {
    row_bytes[4] = row_bytes[5] = static_cast<uint16_t>(4 * groups);
    rows[6] = rows[7] = static_cast<uint8_t>(groups);
  }

  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// A matrix in bf16 as attention packs it: (tiles of columns, groups, columns of a tile, 2), a group being two
// neighbours in a column. One tile may hold all columns.
struct TileMatrix {
  const Bf16* columns;
  int64_t groups;
  int64_t count;  // of columns, a multiple of 16
  int64_t tile;   // columns of a tile, a multiple of 32, or at least count
};

// Rows that MultiplyRows takes at most.
inline constexpr int64_t kTileBlockRows = 32;

#if defined(__x86_64__)

// Only where HasAmx (amx.h) says so.
namespace amx {

void Int8Products(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
                  int64_t tiles, int32_t* sums);
void Bf16Products(const Bf16Linear::Call& call, Bf16Linear::Finish* finish);
// sums (kTileBlockRows, count) = x (rows, 2 groups) . matrix, or `add`ed to, rows `stride` entries apart;
// beyond `rows` 0 is written or added.
void MultiplyRows(const TileMatrix& matrix, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
                  int64_t sums_stride, bool add);

// A row of a convolution; see Bf16Convolution::TiledKernel.
void ConvolveRow(const Bf16Convolution::Call& call, Bf16Convolution::Finish* finish);

}  // namespace amx

#endif

}  // namespace colmatch
