// Determinant of the Hessian; see hessian_response.h.
#include "network/hessian_response.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "network/kernels/hessian.h"

namespace colmatch {

namespace F = torch::nn::functional;

namespace {

torch::Tensor PadByRepeating(const torch::Tensor& x, int64_t border) {
  return F::pad(x, F::PadFuncOptions({border, border, border, border}).mode(torch::kReplicate));
}

// Separable filtering of (1, C, H, W).
torch::Tensor Filter(const torch::Tensor& x, const std::vector<float>& kernel) {
  const int64_t k = static_cast<int64_t>(kernel.size()), r = k / 2, h = x.size(2), w = x.size(3);
  const auto padded = PadByRepeating(x, r);
  auto rows = torch::zeros({x.size(0), x.size(1), h + 2 * r, w}, x.options());
  for (int64_t i = 0; i < k; ++i) rows.add_(padded.narrow(3, i, w), kernel[i]);
  auto result = torch::zeros_like(x);
  for (int64_t i = 0; i < k; ++i) result.add_(rows.narrow(2, i, h), kernel[i]);
  return result;
}

// Of 1.5 pixels, cut off where it is below a thousandth of its top.
std::vector<float> SmoothingKernel() {
  constexpr float kSigma = 1.5f;
  constexpr int kRadius = 5;
  std::vector<float> kernel;
  float sum = 0;
  for (int i = -kRadius; i <= kRadius; ++i) {
    kernel.push_back(std::exp(-0.5f * static_cast<float>(i * i) / (kSigma * kSigma)));
    sum += kernel.back();
  }
  for (float& weight : kernel) weight /= sum;
  return kernel;
}

// Of an image (H, W) that is contiguous on the CPU.
torch::Tensor ResponseOnCpu(const torch::Tensor& image, const std::vector<float>& kernel) {
  constexpr int64_t kRows = 32;  // of a thread: each filters the rows around its own once more
  auto response = torch::empty_like(image);
  const HessianCall call{image.data_ptr<float>(), response.data_ptr<float>(),
                         image.size(0),           image.size(1),
                         kernel.data(),           static_cast<int64_t>(kernel.size()) / 2};
  at::parallel_for(0, call.height, kRows,
                   [&](int64_t first, int64_t last) { HessianDeterminant(call, first, last); });
  return response;
}

}  // namespace

torch::Tensor HessianResponse(const torch::Tensor& image) {
  TORCH_CHECK(image.dim() == 4 && image.size(0) == 1 && image.size(1) == 1,
              "HessianResponse: image must be (1, 1, H, W), got ", image.sizes());
  static const std::vector<float> kernel = SmoothingKernel();
  if (image.is_cpu() && image.scalar_type() == torch::kFloat && image.numel() > 0)
    return ResponseOnCpu(image[0][0].detach().contiguous(), kernel);
  const int64_t h = image.size(2), w = image.size(3);
  const auto padded = PadByRepeating(Filter(image, kernel), 1)[0][0];
  const auto at = [&](int64_t dx, int64_t dy) { return padded.narrow(0, 1 + dy, h).narrow(1, 1 + dx, w); };
  const auto dxx = at(-1, 0) + at(1, 0) - 2 * at(0, 0), dyy = at(0, -1) + at(0, 1) - 2 * at(0, 0);
  const auto dxy = 0.25 * (at(1, 1) + at(-1, -1) - at(-1, 1) - at(1, -1));
  return (dxx * dyy - dxy.square()).abs_();
}

torch::Tensor LocalPeaks(const torch::Tensor& response) {
  const auto largest = torch::max_pool2d(response.unsqueeze(0), 3, 1, 1)[0];
  return torch::where(response == largest, response, torch::zeros_like(response));
}

torch::Tensor RefineToParabola(const torch::Tensor& xy, const torch::Tensor& response) {
  const int64_t h = response.size(0), w = response.size(1);
  const auto whole = xy.to(torch::kLong);
  const auto x = whole.select(1, 0), y = whole.select(1, 1);
  const auto inside = (x >= 1) & (y >= 1) & (x <= w - 2) & (y <= h - 2);
  const auto at = [&](int64_t dx, int64_t dy) {
    return response.index({(y + dy).clamp(0, h - 1), (x + dx).clamp(0, w - 1)});
  };
  const auto peak = at(0, 0);
  const auto offset = [&](const torch::Tensor& before, const torch::Tensor& after) {
    const auto curvature = before - 2 * peak + after;
    const auto top = (0.5 * (before - after) / curvature.clamp_max(-1e-20)).clamp(-0.5, 0.5);
    return torch::where((curvature < 0) & inside, top, torch::zeros_like(top));
  };
  return xy + torch::stack({offset(at(-1, 0), at(1, 0)), offset(at(0, -1), at(0, 1))}, 1);
}

}  // namespace colmatch
