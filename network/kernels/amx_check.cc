// The tile kernels against plain loops; see amx_check.h.
#include "network/kernels/amx_check.h"

#include <algorithm>
#include <vector>

namespace colmatch {
namespace {

constexpr int64_t kTile = Bf16Linear::kTile;
const int64_t kRowCounts[] = {1, 17, 45};  // less than a tile, more than one, more than a block
const int64_t kGroupCounts[] = {1, 21, 32};

// Integers from -8 to 8, without a pattern that a transposed or shifted tile would keep.
class Integers {
 public:
  int Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<int>(state_ >> 16) % 17 - 8;
  }
  std::vector<Bf16> Halves(int64_t count) {
    std::vector<Bf16> values(static_cast<size_t>(count));
    for (Bf16& v : values) v = Bf16FromFloat(static_cast<float>(Next()));
    return values;
  }

 private:
  uint32_t state_ = 1;
};

// Entry (group, column, i) of weights packed in tiles of so many columns.
int64_t PackedAt(int64_t group, int64_t column, int64_t i, int64_t groups, int64_t tile, int64_t of_group) {
  return ((column / tile * groups + group) * tile + column % tile) * of_group + i;
}

float DotOf(const Bf16* x, const std::vector<Bf16>& columns, int64_t column, int64_t groups, int64_t tile) {
  float sum = 0;
  for (int64_t k = 0; k < 2 * groups; ++k) {
    const auto at = static_cast<size_t>(PackedAt(k / 2, column, k % 2, groups, tile, 2));
    sum += FloatFromBf16(x[k]) * FloatFromBf16(columns[at]);
  }
  return sum;
}

bool Int8IsRight(const TileKernels& kernels, Integers& integers, int64_t rows, int64_t groups) {
  constexpr int64_t kTiles = 2, kOffset = 128;
  std::vector<uint8_t> x(static_cast<size_t>(rows * groups * 4));
  std::vector<int8_t> weights(static_cast<size_t>(kTiles * groups * kTile * 4));
  for (uint8_t& v : x) v = static_cast<uint8_t>(kOffset + 15 * integers.Next());
  for (int8_t& v : weights) v = static_cast<int8_t>(15 * integers.Next());
  std::vector<int32_t> sums(static_cast<size_t>(rows * kTiles * kTile), -1);
  kernels.int8(x.data(), weights.data(), rows, groups, kTiles, sums.data());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < kTiles * kTile; ++c) {
      int32_t sum = 0;
      for (int64_t k = 0; k < 4 * groups; ++k)
        sum += x[static_cast<size_t>(r * groups * 4 + k)] *
               weights[static_cast<size_t>(PackedAt(k / 4, c, k % 4, groups, kTile, 4))];
      if (sums[static_cast<size_t>(r * kTiles * kTile + c)] != sum) return false;
    }
  }
  return true;
}

void KeepSums(const Bf16Linear::Call& call, int64_t row, int64_t rows, int64_t column, const float* sums) {
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(sums + r * kTile, kTile, call.sums + (row + r) * call.tiles * kTile + column);
}

bool Bf16IsRight(const TileKernels& kernels, Integers& integers, int64_t rows, int64_t groups) {
  constexpr int64_t kTiles = 2;
  const int64_t stride = 2 * groups + 6;  // rows need not follow each other
  const auto x = integers.Halves(rows * stride), weights = integers.Halves(kTiles * groups * kTile * 2);
  std::vector<float> sums(static_cast<size_t>(rows * kTiles * kTile), -1);
  kernels.bf16({weights.data(), nullptr, groups, kTiles, x.data(), stride, rows, nullptr, 0, sums.data()},
               KeepSums);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < kTiles * kTile; ++c) {
      if (sums[static_cast<size_t>(r * kTiles * kTile + c)] !=
          DotOf(x.data() + r * stride, weights, c, groups, kTile))
        return false;
    }
  }
  return true;
}

bool RowsAreRight(const TileKernels& kernels, Integers& integers, int64_t rows, int64_t groups) {
  const int64_t stride = 2 * groups + 2;
  for (const auto& [count, tile] : {std::pair<int64_t, int64_t>{16, 16}, {48, 48}, {128, 64}}) {
    const auto x = integers.Halves(rows * stride), columns = integers.Halves(groups * count * 2);
    std::vector<float> sums(static_cast<size_t>(kTileBlockRows * count), -1);
    for (const bool add : {false, true})
      kernels.rows({columns.data(), groups, count, tile}, x.data(), stride, rows, sums.data(), count, add);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < count; ++c) {
        if (sums[static_cast<size_t>(r * count + c)] !=
            2 * DotOf(x.data() + r * stride, columns, c, groups, tile))
          return false;
      }
    }
  }
  return true;
}

// Sums of a row's pixels, (width, tiles * kTile), as floats in what the kernel takes for its result.
void KeepPixels(const Bf16Convolution::Call& call, int64_t pixel, int64_t count, int64_t tile,
                int64_t num_tiles, const float* sums) {
  constexpr int64_t kOutputs = Bf16Convolution::kTile;
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t o = 0; o < num_tiles * kOutputs; ++o)
      call.y[(pixel + p) * call.tiles * kOutputs + tile * kOutputs + o] =
          Bf16FromFloat(sums[p * 2 * kOutputs + o]);
  }
}

// One row of three pixels' channels above another; sums of few small integers are whole numbers that bf16
// holds.
bool ConvolutionIsRight(const TileKernels& kernels, Integers& integers, int64_t width, int64_t tiles) {
  constexpr int64_t kOutputs = Bf16Convolution::kTile, kChannels = 16, kPairs = 32;  // 24 and padding
  const int64_t row_stride = (width + 2) * kChannels;
  std::vector<Bf16> x = integers.Halves(3 * row_stride + Bf16Convolution::kMaxBlock * kChannels);
  std::vector<Bf16> weights(static_cast<size_t>(tiles * 3 * kPairs * 2 * kOutputs), Bf16{0});
  for (int64_t at = 0; at < static_cast<int64_t>(weights.size()); at += 7) {
    const int64_t pair = at / (2 * kOutputs) % kPairs;
    if (pair < 24) weights[static_cast<size_t>(at)] = Bf16FromFloat(static_cast<float>(integers.Next() % 2));
  }
  std::vector<Bf16> y(static_cast<size_t>(width * tiles * kOutputs));
  kernels.convolution(
      {weights.data(), nullptr, kPairs, tiles, x.data(), kChannels, row_stride, width, y.data()}, KeepPixels);
  for (int64_t p = 0; p < width; ++p) {
    for (int64_t o = 0; o < tiles * kOutputs; ++o) {
      float sum = 0;
      for (int64_t k = 0; k < 3 * 2 * kPairs; ++k) {
        const int64_t row = k / (2 * kPairs), entry = k % (2 * kPairs);
        const auto at = static_cast<size_t>(
            (((o / kOutputs * 3 + row) * kPairs + entry / 2) * kOutputs + o % kOutputs) * 2 + entry % 2);
        sum += FloatFromBf16(x[static_cast<size_t>(row * row_stride + p * kChannels + entry)]) *
               FloatFromBf16(weights[at]);
      }
      if (y[static_cast<size_t>(p * tiles * kOutputs + o)] != Bf16FromFloat(sum)) return false;
    }
  }
  return true;
}

}  // namespace

bool TilesAreRight(const TileKernels& kernels) {
  Integers integers;
  for (const int64_t rows : kRowCounts) {
    for (const int64_t groups : kGroupCounts) {
      if (!Int8IsRight(kernels, integers, rows, groups) || !Bf16IsRight(kernels, integers, rows, groups) ||
          !RowsAreRight(kernels, integers, std::min(rows, kTileBlockRows), groups))
        return false;
    }
  }
  return ConvolutionIsRight(kernels, integers, 45, 3);
}

}  // namespace colmatch
