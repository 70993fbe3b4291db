// What compilers spell differently: code of other instruction sets than the program's, loops to unroll.
#pragma once

#define COLMATCH_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define COLMATCH_BEGIN_TARGET(isa) \
  COLMATCH_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define COLMATCH_END_TARGET COLMATCH_PRAGMA(clang attribute pop)
#else
#define COLMATCH_BEGIN_TARGET(isa) COLMATCH_PRAGMA(GCC push_options) COLMATCH_PRAGMA(GCC target(isa))
#define COLMATCH_END_TARGET COLMATCH_PRAGMA(GCC pop_options)
#endif

// Before a loop over sums that are to stay in registers: one that is not unrolled keeps them in memory.
#if defined(__CUDACC__)
#define COLMATCH_UNROLL COLMATCH_PRAGMA(unroll)
#elif defined(__clang__)
#define COLMATCH_UNROLL COLMATCH_PRAGMA(clang loop unroll(full))
#else
#define COLMATCH_UNROLL COLMATCH_PRAGMA(GCC unroll 16)
#endif
