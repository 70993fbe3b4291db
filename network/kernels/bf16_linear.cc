// Linear maps in bf16; see bf16_linear.h.
#include "network/kernels/bf16_linear.h"

#include <algorithm>
#include <string>

#include "network/kernels/tile_products.h"
#include "util/error.h"

#define COLMATCH_KERNEL "network/kernels/bf16_linear-inl.h"
#define COLMATCH_KERNEL_IN_BF16
#include "network/kernels/foreach_simd.h"

namespace colmatch {

Bf16Linear::Bf16Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : inputs_(inputs),
      outputs_(outputs),
      weights_(static_cast<size_t>(PaddedInputs(inputs) * PaddedOutputs(outputs))),
      bias_(static_cast<size_t>(PaddedOutputs(outputs))) {
  std::copy_n(bias, outputs, bias_.begin());
  const int64_t tile_size = PaddedInputs(inputs) * kTile;
  for (int64_t o = 0; o < outputs; ++o) {
    Bf16* const tile = weights_.data() + o / kTile * tile_size + o % kTile * 2;
    for (int64_t i = 0; i < inputs; ++i)
      tile[i / 2 * 2 * kTile + i % 2] = Bf16FromFloat(weight[o * inputs + i]);
  }
  UsePath(BestBf16Path());
}

void Bf16Linear::UsePath(Bf16Path path) {
  const auto paths = Bf16Paths();
  if (std::find(paths.begin(), paths.end(), path) == paths.end())
    throw UsageError(std::string("Bf16Linear: this machine has no kernel ") + NameOf(path));
  kernels_ =
      ForBf16Path(path, x4::LinearKernels, x8::LinearKernels, x16::LinearKernels, xbf16::LinearKernels)();
  tiled_ = nullptr;
#if defined(__x86_64__)
  if (path == Bf16Path::kTiles) tiled_ = amx::Bf16Products;
#endif
}

void Bf16Linear::Run(const Kernel& kernel, const Call& call) const {
  if (tiled_ == nullptr) return kernel.run(call);
  tiled_(call, kernel.finish);
}

Bf16Linear::Call Bf16Linear::CallOf(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y,
                                    int64_t y_stride) const {
  return {weights_.data(),
          bias_.data(),
          PaddedInputs(inputs_) / 2,
          PaddedOutputs(outputs_) / kTile,
          x,
          x_stride,
          rows,
          y,
          y_stride,
          nullptr};
}

void Bf16Linear::Apply(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const {
  Run(kernels_.apply, CallOf(x, x_stride, rows, y, y_stride));
}

void Bf16Linear::ApplyRelu(const Bf16* x, int64_t x_stride, int64_t rows, Bf16* y, int64_t y_stride) const {
  Run(kernels_.relu, CallOf(x, x_stride, rows, y, y_stride));
}

void Bf16Linear::Add(const Bf16* x, int64_t x_stride, int64_t rows, float* sums, Bf16* y,
                     int64_t y_stride) const {
  Call call = CallOf(x, x_stride, rows, y, y_stride);
  call.sums = sums;
  Run(kernels_.add, call);
}

}  // namespace colmatch
