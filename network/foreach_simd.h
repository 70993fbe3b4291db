// Compiles a kernel once for each width of vectors. A kernel's .cc, after all its other includes, says
//   #define COLMATCH_KERNEL "network/some_kernel-inl.h"
//   #include "network/foreach_simd.h"
// and has what that file defines as colmatch::x4::..., and on x86-64 also as x8:: (AVX2 with FMA) and x16::
// (AVX-512), to be chosen by simd::BestLanes(). Attributes on single functions would not do: GCC takes
// vectors apart before it inlines. No include guard; the kernels' files have none either.
#include <cstdint>
#include <cstring>

namespace colmatch::x4 {
constexpr int kLanes = 4;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x4

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace colmatch::x8 {
constexpr int kLanes = 8;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x8
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
#endif
namespace colmatch::x16 {
constexpr int kLanes = 16;
#include "network/simd-inl.h"
#include COLMATCH_KERNEL
}  // namespace colmatch::x16
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
