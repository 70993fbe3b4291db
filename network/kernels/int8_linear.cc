// Linear maps in 8-bit integers; see int8_linear.h.
#include "network/kernels/int8_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "util/error.h"

namespace colmatch {
namespace {

// The steps on single rows, compiled for each width of vectors; counts are multiples of 16.
struct Int8Rows {
  float (*quantize)(const float* x, int64_t count, uint8_t* out);
  void (*dequantize)(const int32_t* sums, const int32_t* offsets, float row_scale, const float* scales,
                     const float* bias, int64_t count, float* out);
  void (*widen)(const Bf16* x, int64_t count, float* out);
  void (*round)(const float* x, int64_t count, bool relu, Bf16* out);
  void (*add)(const float* x, int64_t count, float* sums, Bf16* out);
};

}  // namespace
}  // namespace colmatch

#define COLMATCH_KERNEL "network/kernels/int8_rows-inl.h"
#define COLMATCH_KERNEL_IN_BF16
#include "network/kernels/foreach_simd.h"

namespace colmatch {
namespace {

constexpr int64_t kWidest = 16;    // floats of a vector
constexpr int64_t kRowBlock = 96;  // rows quantized at once: they stay in the second cache
constexpr float kLargest = 127;

const Int8Rows& BestRows() {
  static const Int8Rows rows = ForBf16Path(BestBf16Path(), x4::Rows, x8::Rows, x16::Rows, xbf16::Rows)();
  return rows;
}

int64_t RoundUp(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

}  // namespace

Int8Linear::Int8Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : inputs_(inputs),
      outputs_(outputs),
      groups_(RoundUp(inputs, kWidest) / 4),
      columns_(PaddedOutputs(outputs)),
      packed_(static_cast<size_t>(groups_ * columns_ * 4)),
      offsets_(static_cast<size_t>(columns_)),
      no_offsets_(static_cast<size_t>(columns_)),
      scales_(static_cast<size_t>(columns_)),
      bias_(static_cast<size_t>(columns_)),
      kernel_(&Int8Kernels().front()) {
  if (inputs < 1 || inputs > 1 << 16) throw WeightsError("Int8Linear: inputs must be in [1, 65536]");
  std::copy_n(bias, outputs, bias_.begin());
  for (int64_t o = 0; o < outputs; ++o) {
    const float* row = weight + o * inputs;
    float largest = 0;
    for (int64_t i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(row[i]));
    scales_[static_cast<size_t>(o)] = largest / kLargest;
    const float inverse = largest > 0 ? kLargest / largest : 0;
    int8_t* const tile = packed_.data() + (o / kTile * groups_ * kTile + o % kTile) * 4;
    for (int64_t i = 0; i < inputs; ++i) {
      const auto code = static_cast<int8_t>(std::nearbyint(row[i] * inverse));
      tile[i / 4 * kTile * 4 + i % 4] = code;
      offsets_[static_cast<size_t>(o)] += 128 * code;
    }
  }
}

template <typename LoadRow, typename StoreRow>
void Int8Linear::Run(int64_t rows, const LoadRow& load, const StoreRow& store) const {
  const Int8Rows& steps = BestRows();
  const int64_t width = groups_ * 4;
  thread_local std::vector<uint8_t> activations;
  thread_local std::vector<int32_t> sums;
  thread_local std::vector<float> row;
  activations.resize(static_cast<size_t>(kRowBlock * width));
  sums.resize(static_cast<size_t>(kRowBlock * columns_));
  row.resize(static_cast<size_t>(std::max(width, columns_)));
  const int32_t* const offsets = kernel_->centred ? no_offsets_.data() : offsets_.data();
  float row_scales[kRowBlock];
  for (int64_t begin = 0; begin < rows; begin += kRowBlock) {
    const int64_t count = std::min(kRowBlock, rows - begin);
    for (int64_t r = 0; r < count; ++r) {
      load(begin + r, row.data());
      std::fill(row.data() + inputs_, row.data() + width, 0.0f);
      row_scales[r] = steps.quantize(row.data(), width, activations.data() + r * width);
    }
    kernel_->run(activations.data(), packed_.data(), count, groups_, columns_ / kTile, sums.data());
    for (int64_t r = 0; r < count; ++r) {
      steps.dequantize(sums.data() + r * columns_, offsets, row_scales[r], scales_.data(), bias_.data(),
                       columns_, row.data());
      store(begin + r, row.data());
    }
  }
}

void Int8Linear::Apply(const float* x, int64_t rows, float* y) const {
  Run(
      rows, [&](int64_t r, float* row) { std::copy_n(x + r * inputs_, inputs_, row); },
      [&](int64_t r, const float* row) { std::copy_n(row, outputs_, y + r * outputs_); });
}

void Int8Linear::Apply(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const {
  const Int8Rows& steps = BestRows();
  Run(
      rows, [&](int64_t r, float* row) { steps.widen(x + r * x_stride, inputs_, row); },
      [&](int64_t r, const float* row) { steps.round(row, columns_, false, y + r * y_stride); });
}

void Int8Linear::ApplyRelu(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const {
  const Int8Rows& steps = BestRows();
  Run(
      rows, [&](int64_t r, float* row) { steps.widen(x + r * x_stride, inputs_, row); },
      [&](int64_t r, const float* row) { steps.round(row, columns_, true, y + r * y_stride); });
}

void Int8Linear::Add(const Bf16* x, int64_t x_stride, int64_t rows, float* sums, Bf16* y,
                     int64_t y_stride) const {
  const Int8Rows& steps = BestRows();
  Run(
      rows, [&](int64_t r, float* row) { steps.widen(x + r * x_stride, inputs_, row); },
      [&](int64_t r, const float* row) { steps.add(row, columns_, sums + r * columns_, y + r * y_stride); });
}

std::vector<std::string> Int8Linear::Kernels() {
  std::vector<std::string> names;
  for (const Int8Kernel& kernel : Int8Kernels()) names.emplace_back(kernel.name);
  return names;
}

void Int8Linear::UseKernel(const std::string& name) {
  for (const Int8Kernel& kernel : Int8Kernels()) {
    if (name != kernel.name) continue;
    kernel_ = &kernel;
    return;
  }
  throw UsageError("Int8Linear: this machine has no kernel " + name);
}

}  // namespace colmatch
