// Convolutions in bf16, every path of this machine, against doubles.
#include "network/kernels/bf16_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr double kRounding = 1.0 / 256;  // of a bf16 number, relative

struct Sizes {
  int64_t outputs, inputs, height, width;
};
// Every number of tiles at once, rows shorter than a block and just longer, one pixel.
const Sizes kSizes[] = {{16, 1, 7, 30}, {70, 1, 5, 3},   {64, 16, 4, 13}, {112, 20, 3, 25},
                        {1, 1, 1, 1},   {33, 48, 6, 24}, {16, 16, 2, 49}};

std::vector<float> Normal(int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = FloatFromBf16(Bf16FromFloat(normal(TestRng())));
  return values;
}

struct ConvolutionCase {
  explicit ConvolutionCase(const Sizes& s)
      : sizes(s),
        weight(Normal(s.outputs * s.inputs * 9)),
        bias(Normal(s.outputs)),
        pixels(Normal(s.height * s.width * s.inputs)),
        convolution(weight.data(), bias.data(), s.outputs, s.inputs) {
    if (s.inputs == 1) {
      in.SetNeighbours(pixels.data(), s.height, s.width);
      return;
    }
    in.Resize(s.height, s.width, convolution.InputChannels());
    for (int64_t y = 0; y < s.height; ++y) {
      for (int64_t x = 0; x < s.width; ++x) {
        std::fill_n(in.At(y, x), in.channels(), Bf16{0});
        for (int64_t c = 0; c < s.inputs; ++c) in.At(y, x)[c] = Bf16FromFloat(Pixel(y, x, c));
      }
    }
  }

  float Pixel(int64_t y, int64_t x, int64_t c) const {
    if (y < 0 || y >= sizes.height || x < 0 || x >= sizes.width) return 0;
    return pixels[static_cast<size_t>((y * sizes.width + x) * sizes.inputs + c)];
  }
  double Exact(int64_t output, int64_t y, int64_t x) const {
    double sum = bias[static_cast<size_t>(output)];
    for (int64_t c = 0; c < sizes.inputs; ++c) {
      for (int64_t tap = 0; tap < 9; ++tap)
        sum += weight[static_cast<size_t>((output * sizes.inputs + c) * 9 + tap)] *
               Pixel(y + tap / 3 - 1, x + tap % 3 - 1, c);
    }
    return std::max(0.0, sum);
  }

  Sizes sizes;
  std::vector<float> weight, bias, pixels;
  Bf16Convolution convolution;
  Bf16Image in;
};

TEST(Bf16Convolution, EveryPathIsTheExactOneRounded) {
  for (const Sizes& sizes : kSizes) {
    ConvolutionCase c(sizes);
    for (const Bf16Path path : Bf16Paths()) {
      c.convolution.UsePath(path);
      Bf16Image out;
      out.Resize(sizes.height, sizes.width, c.convolution.OutputChannels());
      c.convolution.Run(c.in, 0, sizes.height, out);
      for (int64_t y = 0; y < sizes.height; ++y) {
        for (int64_t x = 0; x < sizes.width; ++x) {
          for (int64_t o = 0; o < sizes.outputs; ++o) {
            const double exact = c.Exact(o, y, x);
            ASSERT_NEAR(FloatFromBf16(out.At(y, x)[o]), exact, kRounding * exact + 1e-4)
                << sizes.outputs << " of " << sizes.inputs << ", path " << static_cast<int>(path) << ", at "
                << y << ' ' << x << ' ' << o;
          }
          for (int64_t o = sizes.outputs; o < out.channels(); ++o) EXPECT_EQ(out.At(y, x)[o], 0) << "padding";
        }
      }
    }
  }
}

TEST(Bf16Convolution, PooledItIsTheLargestOfTwoByTwo) {
  for (const Sizes& sizes : kSizes) {
    ConvolutionCase c(sizes);
    for (const Bf16Path path : Bf16Paths()) {
      c.convolution.UsePath(path);
      Bf16Image whole, pooled;
      whole.Resize(sizes.height, sizes.width, c.convolution.OutputChannels());
      c.convolution.Run(c.in, 0, sizes.height, whole);
      pooled.Resize(sizes.height / 2, sizes.width / 2, c.convolution.OutputChannels());
      c.convolution.RunPooled(c.in, 0, pooled.height(), pooled);
      for (int64_t y = 0; y < pooled.height(); ++y) {
        for (int64_t x = 0; x < pooled.width(); ++x) {
          for (int64_t o = 0; o < sizes.outputs; ++o)
            ASSERT_EQ(pooled.At(y, x)[o],
                      std::max({whole.At(2 * y, 2 * x)[o], whole.At(2 * y, 2 * x + 1)[o],
                                whole.At(2 * y + 1, 2 * x)[o], whole.At(2 * y + 1, 2 * x + 1)[o]}));
        }
      }
    }
  }
}

TEST(Bf16Convolution, WritesOnlyTheRowsAskedForAndKeepsTheBorder) {
  ConvolutionCase c({48, 16, 5, 13});
  for (const Bf16Path path : Bf16Paths()) {
    c.convolution.UsePath(path);
    Bf16Image out;
    out.Resize(5, 13, c.convolution.OutputChannels());
    for (int64_t y = 0; y < 5; ++y) std::fill_n(out.At(y, 0), 13 * out.channels(), Bf16{7});
    c.convolution.Run(c.in, 1, 3, out);
    EXPECT_EQ(out.At(0, 12)[47], 7);
    EXPECT_EQ(out.At(3, 0)[0], 7);
    EXPECT_EQ(out.At(1, -1)[0], 0);
    EXPECT_EQ(out.At(1, 13)[47], 0);
    EXPECT_NE(out.At(1, 12)[0], 7);
  }
}

TEST(Bf16Image, UsedAgainForASmallerImageHasABorderOfZeros) {
  Bf16Image image;
  image.Resize(9, 9, 16);
  std::fill_n(image.At(-1, -1), 11 * 11 * 16, Bf16{5});
  image.Resize(3, 4, 16);
  for (int64_t x = -1; x <= 4; ++x) {
    EXPECT_EQ(image.At(-1, x)[15], 0);
    EXPECT_EQ(image.At(3, x)[0], 0);
  }
  for (int64_t y = 0; y < 3; ++y) {
    EXPECT_EQ(image.At(y, -1)[0], 0);
    EXPECT_EQ(image.At(y, 4)[15], 0);
  }
}

}  // namespace
}  // namespace colmatch
