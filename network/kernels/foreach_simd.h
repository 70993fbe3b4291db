// Compiles a kernel once for each width of vectors. A kernel's .cc, after all its other includes, says
//   #define COLMATCH_KERNEL "network/some_kernel-inl.h"
//   #include "network/kernels/foreach_simd.h"
// and has what that file defines as colmatch::x4::..., x8:: (AVX2 with FMA) and x16:: (AVX-512),
// of which simd::ForLanes chooses; elsewhere than on x86-64 these are x4::. A kernel in bf16, whose file
// includes simd_bf16-inl.h, is compiled a fourth time, as xbf16:: (AVX-512 with bf16 products), where its .cc
// also says
//   #define COLMATCH_KERNEL_IN_BF16
// ForBf16Path chooses. COLMATCH_LANES is kLanes for the preprocessor. Attributes on single functions would
// not do: GCC takes vectors apart before it inlines. No include guard; the kernels' files have none either.
#include <cstdint>
#include <cstring>

#include "network/kernels/simd_target.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define COLMATCH_BF16_INSTRUCTIONS 0
#define COLMATCH_LANES 4

namespace colmatch::x4 {
constexpr int kLanes = 4;
#include "network/kernels/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x4

#if defined(__x86_64__)

#undef COLMATCH_LANES
#define COLMATCH_LANES 8
COLMATCH_BEGIN_TARGET("avx2,fma")
namespace colmatch::x8 {
constexpr int kLanes = 8;
#include "network/kernels/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x8
COLMATCH_END_TARGET

#undef COLMATCH_LANES
#define COLMATCH_LANES 16
COLMATCH_BEGIN_TARGET("avx512f,avx2,fma")
namespace colmatch::x16 {
constexpr int kLanes = 16;
#include "network/kernels/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x16
COLMATCH_END_TARGET

#if defined(COLMATCH_KERNEL_IN_BF16)
#undef COLMATCH_BF16_INSTRUCTIONS
#define COLMATCH_BF16_INSTRUCTIONS 1
COLMATCH_BEGIN_TARGET("avx512f,avx512bw,avx512vl,avx512bf16,avx512vnni,avx2,fma")
namespace colmatch::xbf16 {
constexpr int kLanes = 16;
#include "network/kernels/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::xbf16
COLMATCH_END_TARGET
#endif

#else

namespace colmatch {
namespace x8 = x4;
namespace x16 = x4;
namespace xbf16 = x4;
}  // namespace colmatch

#endif
