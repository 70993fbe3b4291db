// AMX's instructions for the linear maps of tile_products-inl.h; see tile_products.h.
#include "network/kernels/tile_products.h"

#include <algorithm>

#include "network/kernels/simd_target.h"

#if defined(__x86_64__)

COLMATCH_BEGIN_TARGET("amx-tile,amx-bf16,amx-int8")
namespace colmatch::amx {
namespace {

// Not the compilers' intrinsics: GCC's take registers as literal digits only.
struct Tiles {
  static void Configure(const TileShapes& shapes) { asm volatile("ldtilecfg %0" ::"m"(shapes)); }
  static void Release() { asm volatile("tilerelease"); }
  template <int kTile>
  static void Zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  static void Load(const void* rows, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(rows), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void Store(void* rows, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(rows), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kSums, int kRows, int kColumns>
  static void AddBf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kRows), "i"(kColumns));
  }
  template <int kSums, int kRows, int kColumns>
  static void AddInt8() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kRows), "i"(kColumns));
  }
};

namespace kernel {
#include "network/kernels/tile_products-inl.h"
}  // namespace kernel

}  // namespace

void Int8Products(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
                  int64_t tiles, int32_t* sums) {
  kernel::Int8Products(activations, weights, rows, groups, tiles, sums);
}

void Bf16Products(const Bf16Linear::Call& call, Bf16Linear::Finish* finish) {
  kernel::Bf16Products(call, finish);
}

void MultiplyRows(const TileMatrix& matrix, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
                  int64_t sums_stride, bool add) {
  kernel::MultiplyRows(matrix, x, x_stride, rows, sums, sums_stride, add);
}

void ConvolveRow(const Bf16Convolution::Call& call, Bf16Convolution::Finish* finish) {
  kernel::ConvolveRow(call, finish);
}

}  // namespace colmatch::amx
COLMATCH_END_TARGET

#endif
