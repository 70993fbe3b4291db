// Convolutions in bf16 for vectors of one width; see bf16_convolution.h and foreach_simd.h.
#include "network/kernels/simd_bf16-inl.h"

constexpr int kTileVectors = Bf16Convolution::kTile / kLanes;

// kPixels neighbours' outputs of kTiles tiles from `tile` on, of which the first `count` are stored. The
// three pixels of a row that a result looks at lie together, so a row is one linear map.
template <int kTiles, int kPixels>
inline void ConvolvePixels(const Bf16Convolution::Call& call, int64_t tile, int64_t pixel, int64_t count) {
  constexpr int kVectors = kTiles * kTileVectors;
  constexpr int64_t kTile = Bf16Convolution::kTile;
  const int64_t tile_size = 3 * call.pairs * 2 * kTile, channels = call.tiles * kTile;
  Vector sums[kPixels][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const Vector bias = Load(call.bias + tile * kTile + v * kLanes);
    for (int p = 0; p < kPixels; ++p) sums[p][v] = bias;
  }
  const Bf16* weights = call.weights + tile * tile_size;
  for (int row = 0; row < 3; ++row) {
    const Bf16* x = call.x + row * call.x_row_stride + pixel * call.x_stride;
    for (int64_t k = 0; k < call.pairs; ++k, weights += 2 * kTile, x += 2) {
      PairVector w[kVectors];
      for (int v = 0; v < kVectors; ++v)
        w[v] = LoadGroups(weights + v / kTileVectors * tile_size + v % kTileVectors * 2 * kLanes);
      for (int p = 0; p < kPixels; ++p) {
        const PairVector pair = BroadcastGroup(x + p * call.x_stride);
        for (int v = 0; v < kVectors; ++v) sums[p][v] = DotAdd(sums[p][v], pair, w[v]);
      }
    }
  }
  for (int p = 0; p < kPixels; ++p) {
    if (p >= count) break;
    for (int v = 0; v < kVectors; ++v) {
      const Vector positive = sums[p][v] > 0.0f ? sums[p][v] : Vector{};
      StoreRounded(call.y + (pixel + p) * channels + tile * kTile + v * kLanes, positive);
    }
  }
}

// Blocks of kPixels; a narrow image's only one and a row's last may have fewer.
template <int kTiles, int kPixels>
inline void ConvolveTiles(const Bf16Convolution::Call& call, int64_t tile) {
  static_assert(kPixels <= Bf16Convolution::kMaxBlock);
  for (int64_t pixel = 0; pixel < call.width; pixel += kPixels)
    ConvolvePixels<kTiles, kPixels>(call, tile, pixel, call.width - pixel);
}

// Sums of the tiles and pixels of a block fill the registers.
inline void ConvolveRow(const Bf16Convolution::Call& call) {
  int64_t tile = 0;
  if constexpr (kLanes == 16) {
    for (; tile + 4 <= call.tiles; tile += 4) ConvolveTiles<4, 6>(call, tile);
    for (; tile + 2 <= call.tiles; tile += 2) ConvolveTiles<2, 12>(call, tile);
    for (; tile < call.tiles; ++tile) ConvolveTiles<1, 24>(call, tile);
  } else {
    for (; tile < call.tiles; ++tile) ConvolveTiles<1, 3 * kLanes / 4>(call, tile);
  }
}

// As Bf16Convolution::Finish.
inline void FinishPixels(const Bf16Convolution::Call& call, int64_t pixel, int64_t count, int64_t tile,
                         int64_t num_tiles, const float* sums) {
  constexpr int64_t kTile = Bf16Convolution::kTile;
  const int64_t channels = call.tiles * kTile;
  const float* const bias = call.bias + tile * kTile;
  Bf16* y = call.y + pixel * channels + tile * kTile;
  for (int64_t p = 0; p < count; ++p, sums += 2 * kTile, y += channels) {
    for (int64_t o = 0; o < num_tiles * kTile; o += kLanes) {
      const Vector sum = Load(sums + o) + Load(bias + o);
      StoreRounded(y + o, sum > 0.0f ? sum : Vector{});
    }
  }
}

// Of numbers that are not negative the bits are in the same order; what is not a number stays so.
inline void PoolRows(const Bf16* row0, const Bf16* row1, int64_t width, int64_t channels, Bf16* y) {
  constexpr int64_t kCount = 2 * kLanes;
  typedef Bf16 Bits __attribute__((vector_size(kCount * sizeof(Bf16))));
  const auto larger = [](Bits a, Bits b) { return a > b ? a : b; };
  const auto load = [](const Bf16* x) {
    Bits bits;
    std::memcpy(&bits, x, sizeof bits);
    return bits;
  };
  static_assert(Bf16Convolution::kTile % 8 == 0);
  for (int64_t x = 0; x < width; ++x, row0 += 2 * channels, row1 += 2 * channels, y += channels) {
    int64_t c = 0;
    for (; c + kCount <= channels; c += kCount) {
      const Bits best = larger(larger(load(row0 + c), load(row0 + channels + c)),
                               larger(load(row1 + c), load(row1 + channels + c)));
      std::memcpy(y + c, &best, sizeof best);
    }
    for (; c < channels; ++c)
      y[c] = std::max(std::max(row0[c], row0[channels + c]), std::max(row1[c], row1[channels + c]));
  }
}
