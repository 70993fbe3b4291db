// Linear maps by tiles (AMX) with the tiles in plain C++: all but the instructions is tested on every
// machine. Where the machine has them, the tests of all kernels (bf16_test.cc, int8_linear_test.cc) use them
// too.
#include "network/kernels/tile_products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "network/kernels/amx.h"
#include "network/kernels/amx_check.h"
#include "network/kernels/int8_linear.h"
#include "tests/normal.h"
#include "util/error.h"

namespace colmatch {
namespace plain {

// The eight registers as the processor's manual has them, and what it would refuse.
struct Tiles {
  static constexpr int kRows = 16, kGroups = 16;
  static inline uint8_t registers[8][kRows][4 * kGroups];
  static inline int row_bytes[8], rows[8];
  static inline bool configured = false;
  static inline int configurations = 0;

  static void Configure(const TileShapes& shapes) {
    EXPECT_FALSE(configured);
    uint8_t bytes[64];
    static_assert(sizeof bytes == sizeof shapes);
    std::memcpy(bytes, &shapes, sizeof bytes);
    EXPECT_EQ(bytes[0], 1) << "palette";
    for (int tile = 0; tile < 8; ++tile) {
      row_bytes[tile] = bytes[16 + 2 * tile] + 256 * bytes[17 + 2 * tile];
      rows[tile] = bytes[48 + tile];
      EXPECT_TRUE(row_bytes[tile] >= 4 && row_bytes[tile] <= 4 * kGroups && row_bytes[tile] % 4 == 0) << tile;
      EXPECT_TRUE(rows[tile] >= 1 && rows[tile] <= kRows) << tile;
    }
    std::memset(registers, 0, sizeof registers);
    configured = true;
    ++configurations;
  }
  static void Release() {
    EXPECT_TRUE(configured);
    configured = false;
  }
  template <int kTile>
  static void Zero() {
    EXPECT_TRUE(configured);
    std::memset(registers[kTile], 0, sizeof registers[kTile]);
  }
  template <int kTile>
  static void Load(const void* from, int64_t stride) {
    std::memset(registers[kTile], 0, sizeof registers[kTile]);
    for (int r = 0; r < rows[kTile]; ++r)
      std::memcpy(registers[kTile][r], static_cast<const uint8_t*>(from) + r * stride,
                  static_cast<size_t>(row_bytes[kTile]));
  }
  template <int kTile>
  static void Store(void* to, int64_t stride) {
    for (int r = 0; r < rows[kTile]; ++r)
      std::memcpy(static_cast<uint8_t*>(to) + r * stride, registers[kTile][r],
                  static_cast<size_t>(row_bytes[kTile]));
  }
  template <int kSums, int kRowTile, int kColumns>
  static void AddBf16() {
    Add<float, Bf16, Bf16>(kSums, kRowTile, kColumns, FloatFromBf16, FloatFromBf16);
  }
  template <int kSums, int kRowTile, int kColumns>
  static void AddInt8() {
    const auto same = [](auto value) { return static_cast<int32_t>(value); };
    Add<int32_t, uint8_t, int8_t>(kSums, kRowTile, kColumns, same, same);
  }

 private:
  // sums[m][n] += rows[m][k][i] * columns[k][n][i], groups k of entries i.
  template <typename Sum, typename Left, typename Right, typename WidenLeft, typename WidenRight>
  static void Add(int sums, int rows, int columns, const WidenLeft& left, const WidenRight& right) {
    constexpr int kEntries = 4 / sizeof(Left);
    for (int m = 0; m < kRows; ++m) {
      for (int n = 0; n < kGroups; ++n) {
        auto sum = At<Sum>(registers[sums][m], n);
        for (int k = 0; k < kGroups; ++k) {
          for (int i = 0; i < kEntries; ++i)
            sum += left(At<Left>(registers[rows][m], kEntries * k + i)) *
                   right(At<Right>(registers[columns][k], kEntries * n + i));
        }
        std::memcpy(registers[sums][m] + 4 * n, &sum, sizeof sum);
      }
    }
  }
  template <typename T>
  static T At(const uint8_t* row, int i) {
    T value;
    std::memcpy(&value, row + i * static_cast<int>(sizeof value), sizeof value);
    return value;
  }
};

#include "network/kernels/tile_products-inl.h"

}  // namespace plain

namespace {

// outputs, inputs, rows: whole blocks, less than one, several and some
const std::tuple<int, int, int> kShapes[] = {{64, 128, 64}, {1, 1, 1},    {33, 5, 3},
                                             {70, 257, 45}, {32, 64, 32}, {96, 63, 33}};

TEST(TileProducts, IntegersGiveTheBytesOfTheOtherKernels) {
  const Int8Kernel tiles = {"plain tiles", false, plain::Int8Products};
  for (const auto& [outputs, inputs, rows] : kShapes) {
    const auto weight = Normal(outputs * inputs), bias = Normal(outputs), x = Normal(rows * inputs);
    Int8Linear linear(weight.data(), bias.data(), outputs, inputs);
    std::vector<float> expected(static_cast<size_t>(rows * outputs)), y(expected.size());
    linear.UseKernel("portable");
    linear.Apply(x.data(), rows, expected.data());
    linear.UseKernel(tiles);
    linear.Apply(x.data(), rows, y.data());
    EXPECT_EQ(y, expected) << outputs << ' ' << inputs << ' ' << rows;
  }
}

TEST(TileProducts, ExtremeIntegersDoNotOverflow) {
  const Int8Kernel tiles = {"plain tiles", false, plain::Int8Products};
  const int64_t inputs = 4096;
  const std::vector<float> weight(static_cast<size_t>(inputs), -1), x(weight.size(), 1), bias = {0};
  Int8Linear linear(weight.data(), bias.data(), 1, inputs);
  linear.UseKernel(tiles);
  float y = 0;
  linear.Apply(x.data(), 1, &y);
  EXPECT_NEAR(y, -4096, 0.01);
}

TEST(TileProducts, Bf16IsTheOtherPathsUpToTheOrderOfSums) {
  for (const auto& [outputs, inputs, rows] : kShapes) {
    const int64_t stride = Bf16Linear::PaddedInputs(inputs), padded = Bf16Linear::PaddedOutputs(outputs);
    const auto weight = Normal(outputs * inputs), bias = Normal(outputs), start = Normal(rows * padded);
    std::vector<Bf16> x, y(start.size()), expected(start.size());
    for (const float v : Normal(rows * stride)) x.push_back(Bf16FromFloat(v));
    Bf16Linear linear(weight.data(), bias.data(), outputs, inputs);
    for (const Bf16Path path : Bf16Paths()) {
      auto sums = start, expected_sums = start;
      linear.UsePath(path);
      linear.Add(x.data(), stride, rows, expected_sums.data(), expected.data(), padded);
      linear.UseTiled(plain::Bf16Products);
      linear.Add(x.data(), stride, rows, sums.data(), y.data(), padded);
      for (size_t i = 0; i < sums.size(); ++i) {
        ASSERT_NEAR(sums[i], expected_sums[i], 1e-4) << outputs << ' ' << inputs << ' ' << rows << ' ' << i;
        ASSERT_NEAR(FloatFromBf16(y[i]), sums[i], std::abs(sums[i]) / 256);
      }
    }
  }
}

TEST(TileProducts, Bf16MapsAndRelusAsTheOtherPaths) {
  const int64_t outputs = 40, inputs = 34, rows = 50, padded = Bf16Linear::PaddedOutputs(outputs);
  const auto weight = Normal(outputs * inputs), bias = Normal(outputs);
  std::vector<Bf16> x, y(static_cast<size_t>(rows * padded)), relu(y.size()), expected(y.size());
  for (const float v : Normal(rows * inputs)) x.push_back(Bf16FromFloat(v));
  Bf16Linear linear(weight.data(), bias.data(), outputs, inputs);
  linear.Apply(x.data(), inputs, rows, expected.data(), padded);
  linear.UseTiled(plain::Bf16Products);
  linear.Apply(x.data(), inputs, rows, y.data(), padded);
  linear.ApplyRelu(x.data(), inputs, rows, relu.data(), padded);
  for (size_t i = 0; i < y.size(); ++i) {
    const float exact = FloatFromBf16(expected[i]), mapped = FloatFromBf16(y[i]);
    ASSERT_NEAR(mapped, exact, std::abs(exact) / 100 + 1e-4);
    ASSERT_EQ(FloatFromBf16(relu[i]), std::max(0.0f, mapped));
  }
}

TEST(TileProducts, RowsTimesAMatrixAreThoseOfPlainLoopsForAllShapes) {
  // Also what is checked before AMX is used.
  EXPECT_TRUE(
      TilesAreRight({plain::Int8Products, plain::Bf16Products, plain::MultiplyRows, plain::ConvolveRow}));
  EXPECT_FALSE(plain::Tiles::configured);
}

// Kernels that are wrong in one entry only.
void WrongInt8(const uint8_t* x, const int8_t* w, int64_t rows, int64_t groups, int64_t tiles,
               int32_t* sums) {
  plain::Int8Products(x, w, rows, groups, tiles, sums);
  if (rows == 45) ++sums[rows * tiles * 32 - 1];
}
void WrongBf16(const Bf16Linear::Call& call, Bf16Linear::Finish* finish) {
  plain::Bf16Products(call, finish);
  if (call.pairs == 21) call.sums[0] += 1;
}
void WrongRows(const TileMatrix& matrix, const Bf16* x, int64_t x_stride, int64_t rows, float* sums,
               int64_t sums_stride, bool add) {
  plain::MultiplyRows(matrix, x, x_stride, rows, sums, sums_stride, add);
  if (matrix.count == 48) std::swap(sums[16], sums[17]);
}

void WrongConvolution(const Bf16Convolution::Call& call, Bf16Convolution::Finish* finish) {
  plain::ConvolveRow(call, finish);
  call.y[0] = Bf16FromFloat(FloatFromBf16(call.y[0]) + 100);
}

TEST(TileProducts, AKernelThatIsWrongIsFoundOut) {
  EXPECT_FALSE(TilesAreRight({WrongInt8, plain::Bf16Products, plain::MultiplyRows, plain::ConvolveRow}));
  EXPECT_FALSE(TilesAreRight({plain::Int8Products, WrongBf16, plain::MultiplyRows, plain::ConvolveRow}));
  EXPECT_FALSE(TilesAreRight({plain::Int8Products, plain::Bf16Products, WrongRows, plain::ConvolveRow}));
  EXPECT_FALSE(
      TilesAreRight({plain::Int8Products, plain::Bf16Products, plain::MultiplyRows, WrongConvolution}));
}

// The shapes of tiles are a thread's: a kernel leaves none behind.
TEST(TileProducts, EachCallConfiguresOnceAndReleases) {
  const auto weight = Normal(64 * 64), bias = Normal(64);
  const std::vector<Bf16> x(100 * 64);
  std::vector<Bf16> y(x.size());
  Bf16Linear linear(weight.data(), bias.data(), 64, 64);
  linear.UseTiled(plain::Bf16Products);
  const int before = plain::Tiles::configurations;
  linear.Apply(x.data(), 64, 100, y.data(), 64);
  EXPECT_EQ(plain::Tiles::configurations, before + 1);
  EXPECT_FALSE(plain::Tiles::configured);
}

TEST(TileProducts, WithoutAmxNoKernelOfItCanBeChosen) {
  if (HasAmx()) GTEST_SKIP() << "this machine has AMX";
  const auto weight = Normal(4), bias = Normal(2);
  const auto kernels = Int8Linear::Kernels();
  EXPECT_EQ(std::count(kernels.begin(), kernels.end(), "amx"), 0);
  EXPECT_THROW(Int8Linear(weight.data(), bias.data(), 2, 2).UseKernel("amx"), UsageError);
  EXPECT_THROW(Bf16Linear(weight.data(), bias.data(), 2, 2).UsePath(Bf16Path::kTiles), UsageError);
}

}  // namespace
}  // namespace colmatch
