// Compiles a kernel once for each width of vectors. A kernel's .cc, after all its other includes, says
//   #define COLMATCH_KERNEL "network/some_kernel-inl.h"
//   #include "network/foreach_simd.h"
// and has what that file defines as colmatch::x4::..., x8:: (AVX2 with FMA) and x16:: (AVX-512),
// of which simd::ForLanes chooses; elsewhere than on x86-64 these are x4::. Attributes on single functions
// would not do: GCC takes vectors apart before it inlines. No include guard; the kernels' files have none
// either.
#include <cstdint>
#include <cstring>

#define COLMATCH_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define COLMATCH_BEGIN_TARGET(isa) \
  COLMATCH_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define COLMATCH_END_TARGET COLMATCH_PRAGMA(clang attribute pop)
#else
#define COLMATCH_BEGIN_TARGET(isa) COLMATCH_PRAGMA(GCC push_options) COLMATCH_PRAGMA(GCC target(isa))
#define COLMATCH_END_TARGET COLMATCH_PRAGMA(GCC pop_options)
#endif

namespace colmatch::x4 {
constexpr int kLanes = 4;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x4

#if defined(__x86_64__)

COLMATCH_BEGIN_TARGET("avx2,fma")
namespace colmatch::x8 {
constexpr int kLanes = 8;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x8
COLMATCH_END_TARGET

COLMATCH_BEGIN_TARGET("avx512f,avx2,fma")
namespace colmatch::x16 {
constexpr int kLanes = 16;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x16
COLMATCH_END_TARGET

#else

namespace colmatch {
namespace x8 = x4;
namespace x16 = x4;
}  // namespace colmatch

#endif
