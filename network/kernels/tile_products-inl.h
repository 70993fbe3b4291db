// Linear maps by tiles: eight registers of at most 16 rows of 64 bytes, as AMX has them. Included into a
// namespace that has before it
//   struct Tiles {
//     static void Configure(const TileShapes& shapes);  // the registers' contents become 0
//     static void Release();
//     template <int kTile> static void Zero();
//     template <int kTile> static void Load(const void* rows, int64_t stride);  // bytes between rows
//     template <int kTile> static void Store(void* rows, int64_t stride);
//     // tile kSums (16 x 16 in 32 bits) += kRows (16 x 16 groups of 4 bytes) . kColumns (16 groups x 16 x 4
//     // bytes): a group is a pair in bf16, or four integers, the rows' unsigned, the columns' signed.
//     template <int kSums, int kRows, int kColumns> static void AddBf16();
//     template <int kSums, int kRows, int kColumns> static void AddInt8();
//   };
// so that the instructions are few lines (tile_products.cc) and the rest is tested on every machine
// (tests/network/kernels/tile_products_test.cc). No include guard.

constexpr int64_t kBlock = 32;               // rows and columns at a time: two by two tiles of sums
constexpr int64_t kTileBytes = 64;           // a row of a tile
constexpr int64_t kTileRows = 16;            // also the groups of 4 bytes in a row
constexpr int64_t kGroupBytes = 4 * kBlock;  // one group of a tile's columns, as weights are packed

// Rows and a step of their bytes, in a whole block: `some` has zeros beside what there is.
inline const uint8_t* WholeBlock(const uint8_t* rows, int64_t stride, int64_t count, int64_t bytes,
                                 int64_t some_stride, int64_t some_count, uint8_t* some) {
  std::fill_n(some, some_count * some_stride, uint8_t{0});
  for (int64_t r = 0; r < count; ++r) std::copy_n(rows + r * stride, bytes, some + r * some_stride);
  return some;
}

// How many groups to load at once: all, or the largest equal parts that a tile holds. Where there are none,
// whole tiles, of which the last is padded.
inline int64_t TileGroups(int64_t groups) {
  const int64_t parts = (groups + kTileRows - 1) / kTileRows;
  return groups % parts == 0 ? groups / parts : kTileRows;
}

// The tiles of sums, 0 or what the sums are.
template <bool kHalf, bool kAdd>
inline void StartSums(const uint8_t* upper, const uint8_t* lower, int64_t stride) {
  if constexpr (kAdd) {
    Tiles::template Load<0>(upper, stride);
    Tiles::template Load<2>(lower, stride);
    if constexpr (kHalf) return;
    Tiles::template Load<1>(upper + kTileBytes, stride);
    Tiles::template Load<3>(lower + kTileBytes, stride);
  } else {
    Tiles::template Zero<0>();
    Tiles::template Zero<2>();
    if constexpr (kHalf) return;
    Tiles::template Zero<1>();
    Tiles::template Zero<3>();
  }
}

// sums (kBlock x kBlock in 32 bits, kHalf: kBlock x kTileRows) = x . weights, for the first `rows` rows of x;
// the other sums are 0. kAdd: added to what sums are. Groups of weights are group_stride bytes apart. Tiles
// are TileShapes(TileGroups(groups)).
template <bool kInBf16, bool kHalf, bool kAdd = false>
inline void BlockProducts(const uint8_t* x, int64_t x_stride, int64_t rows, const uint8_t* weights,
                          int64_t group_stride, int64_t groups, void* sums, int64_t sums_stride) {
  constexpr int64_t kColumnBytes = kHalf ? kTileBytes : kGroupBytes;
  uint8_t some_rows[kBlock * kTileBytes], some_groups[kTileRows * kGroupBytes];
  auto* const upper = static_cast<uint8_t*>(sums);
  uint8_t* const lower = upper + kTileRows * sums_stride;
  StartSums<kHalf, kAdd>(upper, lower, sums_stride);
  const int64_t step = TileGroups(groups);
  for (int64_t g = 0; g < groups; g += step, x += 4 * step, weights += step * group_stride) {
    const int64_t count = std::min(step, groups - g);
    const uint8_t *a = x, *b = weights;
    int64_t stride = x_stride, columns_stride = group_stride;
    if (rows < kBlock || count < step) {
      a = WholeBlock(x, x_stride, rows, 4 * count, kTileBytes, kBlock, some_rows);
      stride = kTileBytes;
    }
    if (count < step) {
      b = WholeBlock(weights, group_stride, count, kColumnBytes, kGroupBytes, kTileRows, some_groups);
      columns_stride = kGroupBytes;
    }
    Tiles::template Load<4>(a, stride);
    Tiles::template Load<5>(a + kTileRows * stride, stride);
    Tiles::template Load<6>(b, columns_stride);
    if constexpr (!kHalf) Tiles::template Load<7>(b + kTileBytes, columns_stride);
    if constexpr (kInBf16) {
      Tiles::template AddBf16<0, 4, 6>();
      if constexpr (!kHalf) Tiles::template AddBf16<1, 4, 7>();
      Tiles::template AddBf16<2, 5, 6>();
      if constexpr (!kHalf) Tiles::template AddBf16<3, 5, 7>();
    } else {
      Tiles::template AddInt8<0, 4, 6>();
      if constexpr (!kHalf) Tiles::template AddInt8<1, 4, 7>();
      Tiles::template AddInt8<2, 5, 6>();
      if constexpr (!kHalf) Tiles::template AddInt8<3, 5, 7>();
    }
  }
  Tiles::template Store<0>(upper, sums_stride);
  Tiles::template Store<2>(lower, sums_stride);
  if constexpr (kHalf) return;
  Tiles::template Store<1>(upper + kTileBytes, sums_stride);
  Tiles::template Store<3>(lower + kTileBytes, sums_stride);
}

// As Int8Kernel::run; see int8_kernels.h.
inline void Int8Products(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
                         int64_t tiles, int32_t* sums) {
  const auto* const packed = reinterpret_cast<const uint8_t*>(weights);
  const int64_t stride = tiles * kBlock;
  int32_t last[kBlock * kBlock];
  Tiles::Configure(TileShapes(TileGroups(groups)));
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const uint8_t* const columns = packed + tile * groups * kGroupBytes;
    for (int64_t row = 0; row < rows; row += kBlock) {
      const int64_t count = std::min(kBlock, rows - row);
      const uint8_t* const x = activations + row * groups * 4;
      int32_t* const out = sums + row * stride + tile * kBlock;
      if (count == kBlock) {
        BlockProducts<false, false>(x, groups * 4, count, columns, kGroupBytes, groups, out, stride * 4);
        continue;
      }
      BlockProducts<false, false>(x, groups * 4, count, columns, kGroupBytes, groups, last, kBlock * 4);
      for (int64_t r = 0; r < count; ++r) std::copy_n(last + r * kBlock, kBlock, out + r * stride);
    }
  }
  Tiles::Release();
}

// As Bf16Linear::Tiled; see bf16_linear.h.
inline void Bf16Products(const Bf16Linear::Call& call, Bf16Linear::Finish* finish) {
  const auto* const x = reinterpret_cast<const uint8_t*>(call.x);
  const auto* const packed = reinterpret_cast<const uint8_t*>(call.weights);
  const int64_t stride = call.x_stride * static_cast<int64_t>(sizeof(Bf16));
  float sums[kBlock * kBlock];
  Tiles::Configure(TileShapes(TileGroups(call.pairs)));
  for (int64_t tile = 0; tile < call.tiles; ++tile) {
    for (int64_t row = 0; row < call.rows; row += kBlock) {
      const int64_t count = std::min(kBlock, call.rows - row);
      BlockProducts<true, false>(x + row * stride, stride, count, packed + tile * call.pairs * kGroupBytes,
                                 kGroupBytes, call.pairs, sums, kBlock * 4);
      finish(call, row, count, tile * kBlock, sums);
    }
  }
  Tiles::Release();
}

// As amx::MultiplyRows; see tile_products.h.
template <bool kAdd>
inline void RowProducts(const TileMatrix& in, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
                        int64_t sums_stride) {
  constexpr int64_t kEntry = sizeof(Bf16);
  const auto* const from = reinterpret_cast<const uint8_t*>(x);
  const auto* const columns = reinterpret_cast<const uint8_t*>(in.columns);
  Tiles::Configure(TileShapes(TileGroups(in.groups)));
  for (int64_t c = 0; c < in.count; c += kBlock, sums += kBlock) {
    const uint8_t* const block = columns + (c / in.tile * in.groups * in.tile * 2 + c % in.tile * 2) * kEntry;
    const int64_t group_stride = std::min(in.tile, in.count) * 2 * kEntry;
    if (in.count - c > kTileRows) {
      BlockProducts<true, false, kAdd>(from, x_stride * kEntry, rows, block, group_stride, in.groups, sums,
                                       sums_stride * 4);
    } else {
      BlockProducts<true, true, kAdd>(from, x_stride * kEntry, rows, block, group_stride, in.groups, sums,
                                      sums_stride * 4);
    }
  }
  Tiles::Release();
}

inline void MultiplyRows(const TileMatrix& in, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
                         int64_t sums_stride, bool add) {
  (add ? RowProducts<true> : RowProducts<false>)(in, x, x_stride, rows, sums, sums_stride);
}

// kBlock pixels of a row of a convolution by one tile of outputs or two: the rows of a product are the
// pixels, of which each one's three neighbours lie together. sums: (kBlock, kBlock), of kHalf the left half.
template <bool kHalf>
inline void ConvolveBlock(const Bf16Convolution::Call& call, int64_t tile, int64_t pixel, float* sums) {
  constexpr int64_t kEntry = sizeof(Bf16);
  const int64_t stride = call.x_stride * kEntry, tile_bytes = 3 * call.pairs * kTileBytes;
  const auto* weights = reinterpret_cast<const uint8_t*>(call.weights) + tile * tile_bytes;
  StartSums<kHalf, /*kAdd=*/false>(nullptr, nullptr, 0);
  for (int row = 0; row < 3; ++row) {
    const auto* x =
        reinterpret_cast<const uint8_t*>(call.x + row * call.x_row_stride + pixel * call.x_stride);
    for (int64_t k = 0; k < call.pairs; k += kTileRows, x += kTileBytes, weights += kTileRows * kTileBytes) {
      Tiles::template Load<4>(x, stride);
      Tiles::template Load<5>(x + kTileRows * stride, stride);
      Tiles::template Load<6>(weights, kTileBytes);
      if constexpr (!kHalf) Tiles::template Load<7>(weights + tile_bytes, kTileBytes);
      Tiles::template AddBf16<0, 4, 6>();
      Tiles::template AddBf16<2, 5, 6>();
      if constexpr (kHalf) continue;
      Tiles::template AddBf16<1, 4, 7>();
      Tiles::template AddBf16<3, 5, 7>();
    }
  }
  constexpr int64_t kSumsStride = kBlock * static_cast<int64_t>(sizeof(float));
  Tiles::template Store<0>(sums, kSumsStride);
  Tiles::template Store<2>(sums + kTileRows * kBlock, kSumsStride);
  if constexpr (kHalf) return;
  Tiles::template Store<1>(sums + kTileRows, kSumsStride);
  Tiles::template Store<3>(sums + kTileRows * kBlock + kTileRows, kSumsStride);
}

// As Bf16Convolution::TiledKernel. A block beyond the row's end reads pixels that are there (Bf16Image's
// memory is longer) and whose sums are dropped.
inline void ConvolveRow(const Bf16Convolution::Call& call, Bf16Convolution::Finish* finish) {
  float sums[kBlock * kBlock];
  Tiles::Configure(TileShapes());
  for (int64_t tile = 0; tile < call.tiles; tile += 2) {
    const bool half = tile + 1 == call.tiles;
    for (int64_t pixel = 0; pixel < call.width; pixel += kBlock) {
      if (half) {
        ConvolveBlock<true>(call, tile, pixel, sums);
      } else {
        ConvolveBlock<false>(call, tile, pixel, sums);
      }
      finish(call, pixel, std::min(kBlock, call.width - pixel), tile, half ? 1 : 2, sums);
    }
  }
  Tiles::Release();
}
