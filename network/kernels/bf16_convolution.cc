// Convolutions in bf16; see bf16_convolution.h.
#include "network/kernels/bf16_convolution.h"

#include <algorithm>

#include "network/kernels/tile_products.h"

#define COLMATCH_KERNEL "network/kernels/bf16_convolution-inl.h"
#define COLMATCH_KERNEL_IN_BF16
#include "network/kernels/foreach_simd.h"

namespace colmatch {
namespace {

constexpr int64_t kNeighbours = 4;  // channels of SetNeighbours

}  // namespace

void Bf16Image::Resize(int64_t height, int64_t width, int64_t channels) {
  height_ = height;
  width_ = width;
  channels_ = channels;
  simd::GrowTo(pixels_, (height + 2) * RowStride() + Bf16Convolution::kMaxBlock * channels);
  std::fill_n(At(-1, -1), RowStride(), Bf16{0});
  std::fill_n(At(height, -1), RowStride(), Bf16{0});
  for (int64_t y = 0; y < height; ++y) {
    std::fill_n(At(y, -1), channels, Bf16{0});
    std::fill_n(At(y, width), channels, Bf16{0});
  }
}

void Bf16Image::SetNeighbours(const float* pixels, int64_t height, int64_t width) {
  Resize(height, width, kNeighbours);
  for (int64_t y = 0; y < height; ++y, pixels += width) {
    Bf16* out = At(y, 0);
    Bf16 left = 0, middle = Bf16FromFloat(pixels[0]);
    for (int64_t x = 0; x < width; ++x, out += kNeighbours) {
      const Bf16 right = x + 1 < width ? Bf16FromFloat(pixels[x + 1]) : Bf16{0};
      out[0] = left;
      out[1] = middle;
      out[2] = right;
      out[3] = 0;
      left = middle;
      middle = right;
    }
  }
}

Bf16Convolution::Bf16Convolution(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : channels_(inputs == 1 ? kNeighbours : (inputs + kTile - 1) / kTile * kTile),
      pairs_((inputs == 1 ? kNeighbours : 3 * channels_) / 2),
      tiles_((outputs + kTile - 1) / kTile),
      weights_(static_cast<size_t>(tiles_ * 3 * pairs_ * 2 * kTile)),
      bias_(static_cast<size_t>(tiles_ * kTile)) {
  std::copy_n(bias, outputs, bias_.begin());
  // Where the entries of a pixel to the right begin.
  const int64_t step = inputs == 1 ? 1 : channels_;
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t row = tap / 3, entry = tap % 3 * step + i;
        const int64_t place = ((o / kTile * 3 + row) * pairs_ + entry / 2) * kTile + o % kTile;
        weights_[static_cast<size_t>(2 * place + entry % 2)] =
            Bf16FromFloat(weight[(o * inputs + i) * 9 + tap]);
      }
    }
  }
  UsePath(BestBf16Path());
}

void Bf16Convolution::UsePath(Bf16Path path) {
  row_ = ForBf16Path(path, x4::ConvolveRow, x8::ConvolveRow, x16::ConvolveRow, xbf16::ConvolveRow);
  finish_ = ForBf16Path(path, x4::FinishPixels, x8::FinishPixels, x16::FinishPixels, xbf16::FinishPixels);
  tiled_ = nullptr;
#if defined(__x86_64__)
  // The first layer's few products are not worth tiles.
  if (path == Bf16Path::kTiles && channels_ != kNeighbours) {
    PackForTiles();
    tiled_ = amx::ConvolveRow;
  }
#endif
  // Comparisons of 16 bits are AVX512BW, which that path has.
  pool_ = ForBf16Path(path, x4::PoolRows, x8::PoolRows, x8::PoolRows, xbf16::PoolRows);
}

void Bf16Convolution::PackForTiles() {
  const int64_t padded = TiledPairs() * 2 * kTile, size = pairs_ * 2 * kTile;
  tiled_weights_.assign(static_cast<size_t>(3 * tiles_ * padded), Bf16{0});
  for (int64_t row = 0; row < 3 * tiles_; ++row)
    std::copy_n(weights_.data() + row * size, size, tiled_weights_.data() + row * padded);
}

void Bf16Convolution::RunRow(const Bf16Image& in, int64_t row, int64_t width, Bf16* y) const {
  // The neighbours of an image of one channel are within its pixels.
  const Bf16* const x = in.At(row - 1, channels_ == kNeighbours ? 0 : -1);
  Call call{weights_.data(), bias_.data(), pairs_, tiles_, x, channels_, in.RowStride(), width, y};
  if (tiled_ == nullptr) return row_(call);
  call.weights = tiled_weights_.data();
  call.pairs = TiledPairs();
  tiled_(call, finish_);
}

void Bf16Convolution::Run(const Bf16Image& in, int64_t first, int64_t last, Bf16Image& out) const {
  for (int64_t y = first; y < last; ++y) RunRow(in, y, in.width(), out.At(y, 0));
}

void Bf16Convolution::RunPooled(const Bf16Image& in, int64_t first, int64_t last, Bf16Image& out) const {
  thread_local std::vector<Bf16> rows;
  const int64_t size = 2 * out.width() * OutputChannels();
  simd::GrowTo(rows, 2 * size);
  Bf16 *const upper = rows.data(), *const lower = upper + size;
  for (int64_t y = first; y < last; ++y) {
    RunRow(in, 2 * y, 2 * out.width(), upper);
    RunRow(in, 2 * y + 1, 2 * out.width(), lower);
    pool_(upper, lower, out.width(), OutputChannels(), out.At(y, 0));
  }
}

}  // namespace colmatch
