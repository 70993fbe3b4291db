// Linear maps in bf16 for vectors of one width; see bf16_linear.h and foreach_simd.h.
#include "network/kernels/simd_bf16-inl.h"

constexpr int kRows =
    kLanes == 16 ? 12 : 4;  // at a time: with two vectors each, their sums fill the registers
constexpr int kVectors = 2;

struct StoreOutput {
  static inline void Store(const Bf16Linear::Call& call, int64_t row, int64_t column, Vector v) {
    StoreRounded(call.y + row * call.y_stride + column, v);
  }
};

struct StoreRelu {
  static inline void Store(const Bf16Linear::Call& call, int64_t row, int64_t column, Vector v) {
    StoreRounded(call.y + row * call.y_stride + column, v > 0.0f ? v : Vector{});
  }
};

struct AddOutput {
  static inline void Store(const Bf16Linear::Call& call, int64_t row, int64_t column, Vector v) {
    float* const sums = call.sums + row * call.tiles * Bf16Linear::kTile + column;
    v += Load(sums);
    std::memcpy(sums, &v, sizeof v);
    StoreRounded(call.y + row * call.y_stride + column, v);
  }
};

// kCount rows of one or more tiles' columns.
template <int kCount, typename Output>
inline void LinearRows(const Bf16Linear::Call& call, int64_t row, int64_t column, const Bf16* weights) {
  Vector sums[kCount][kVectors] = {};
  const Bf16* x = call.x + row * call.x_stride;
  for (int64_t k = 0; k < call.pairs; ++k, weights += 2 * Bf16Linear::kTile, x += 2) {
    const PairVector w0 = LoadGroups(weights), w1 = LoadGroups(weights + 2 * kLanes);
    for (int r = 0; r < kCount; ++r) {
      const PairVector pair = BroadcastGroup(x + r * call.x_stride);
      sums[r][0] = DotAdd(sums[r][0], pair, w0);
      sums[r][1] = DotAdd(sums[r][1], pair, w1);
    }
  }
  COLMATCH_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Vector bias = Load(call.bias + column + v * kLanes);
    COLMATCH_UNROLL
    for (int r = 0; r < kCount; ++r) Output::Store(call, row + r, column + v * kLanes, sums[r][v] + bias);
  }
}

template <typename Output>
inline void Linear(const Bf16Linear::Call& call) {
  constexpr int64_t kTile = Bf16Linear::kTile;
  for (int64_t column = 0; column < call.tiles * kTile; column += kVectors * kLanes) {
    // A tile's weights stay in the first cache while all rows pass.
    const Bf16* const weights = call.weights + column / kTile * call.pairs * 2 * kTile + column % kTile * 2;
    int64_t row = 0;
    for (; row + kRows <= call.rows; row += kRows) LinearRows<kRows, Output>(call, row, column, weights);
    for (; row + 2 <= call.rows; row += 2) LinearRows<2, Output>(call, row, column, weights);
    for (; row < call.rows; ++row) LinearRows<1, Output>(call, row, column, weights);
  }
}

// The outputs of kTile columns of some rows from their sums (rows, kTile), which another kernel made.
template <typename Output>
inline void Finish(const Bf16Linear::Call& call, int64_t row, int64_t rows, int64_t column,
                   const float* sums) {
  for (int64_t r = 0; r < rows; ++r, sums += Bf16Linear::kTile) {
    for (int64_t c = 0; c < Bf16Linear::kTile; c += kLanes)
      Output::Store(call, row + r, column + c, Load(sums + c) + Load(call.bias + column + c));
  }
}

inline Bf16Linear::Kernels LinearKernels() {
  return {{Linear<StoreOutput>, Finish<StoreOutput>},
          {Linear<StoreRelu>, Finish<StoreRelu>},
          {Linear<AddOutput>, Finish<AddOutput>}};
}
