// Convolutions with 3 x 3 pixels in bf16 on the CPU, without LibTorch: sums in float32, weights packed once,
// channels last. With ReLU and, on request, 2 x 2 maximum pooling: a layer of SuperPoint.
#pragma once

#include <cstdint>
#include <vector>

#include "network/kernels/bf16.h"

namespace colmatch {

// Channels last, within a border of zeros one pixel wide.
class Bf16Image {
 public:
  // Pixels are undefined afterwards, the border is zero. Keeps its memory where it is enough.
  void Resize(int64_t height, int64_t width, int64_t channels);
  // Of one channel, the pixel's left and right neighbours beside it, which the first layer takes as
  // channels: left, itself, right, 0. pixels: height x width.
  void SetNeighbours(const float* pixels, int64_t height, int64_t width);

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t channels() const { return channels_; }
  int64_t RowStride() const { return (width_ + 2) * channels_; }
  // y in [-1, height], x in [-1, width].
  Bf16* At(int64_t y, int64_t x) { return pixels_.data() + (y + 1) * RowStride() + (x + 1) * channels_; }
  const Bf16* At(int64_t y, int64_t x) const { return const_cast<Bf16Image*>(this)->At(y, x); }

 private:
  int64_t height_ = 0, width_ = 0, channels_ = 0;
  std::vector<Bf16> pixels_;
};

// Thread-safe. A pixel's result does not depend on which rows are computed together.
class Bf16Convolution {
 public:
  // weight: (outputs, inputs, 3, 3) row-major, rounded here; bias: (outputs). Of one input channel, Run takes
  // an image of SetNeighbours.
  Bf16Convolution(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  // Channels of the images that Run takes and makes: outputs are padded with zeros.
  int64_t InputChannels() const { return channels_; }
  int64_t OutputChannels() const { return tiles_ * kTile; }

  // Rows [first, last) of out = max(0, convolution of `in`), rounded.
  void Run(const Bf16Image& in, int64_t first, int64_t last, Bf16Image& out) const;
  // The same of `out` half as high and wide (rounded down), the maximum of 2 x 2.
  void RunPooled(const Bf16Image& in, int64_t first, int64_t last, Bf16Image& out) const;

  // The kernel to use, of those this machine has: for tests.
  void UsePath(Bf16Path path);

  static constexpr int64_t kTile = 16;  // outputs
  // An image's memory is so many pixels longer: a kernel reads a block of them at once.
  static constexpr int64_t kMaxBlock = 36;

  // A row of pixels, as a kernel is told.
  struct Call {
    const Bf16* weights;   // (tiles, 3 rows, pairs, kTile, 2)
    const float* bias;     // (tiles * kTile)
    int64_t pairs, tiles;  // of a row of 3 pixels' channels
    const Bf16* x;         // where what the first result looks at begins, one row above it
    int64_t x_stride, x_row_stride;
    int64_t width;
    Bf16* y;  // (width, tiles * kTile)
  };
  using Kernel = void(const Call& call);
  // The end of a kernel by tiles: sums (count, 2 * kTile) of pixels from `pixel` and of one or two tiles of
  // outputs from `tile`, to which the bias is added.
  using Finish = void(const Call& call, int64_t pixel, int64_t count, int64_t tile, int64_t num_tiles,
                      const float* sums);
  // pairs is a multiple of kTile, and so is the padding of the weights, with zeros.
  using TiledKernel = void(const Call& call, Finish* finish);
  // Maximum of 2 x 2 of rows of so many channels, none negative; width is the result's.
  using PoolKernel = void(const Bf16* row0, const Bf16* row1, int64_t width, int64_t channels, Bf16* y);

 private:
  void RunRow(const Bf16Image& in, int64_t row, int64_t width, Bf16* y) const;
  int64_t TiledPairs() const { return (pairs_ + kTile - 1) / kTile * kTile; }
  void PackForTiles();

  int64_t channels_, pairs_, tiles_;
  std::vector<Bf16> weights_, tiled_weights_;  // the second padded for the kernel by tiles, where it is used
  std::vector<float> bias_;
  Kernel* row_;
  Finish* finish_;
  TiledKernel* tiled_ = nullptr;
  PoolKernel* pool_;
};

}  // namespace colmatch
