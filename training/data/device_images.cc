// Training pictures on the device; see device_images.h.
#include "training/data/device_images.h"

#include <torch/torch.h>

#include <cmath>

namespace colmatch {

namespace F = torch::nn::functional;

namespace {

// Every row or every column with a symmetric kernel, borders repeated.
torch::Tensor ConvolveLines(const torch::Tensor& image, const std::vector<float>& kernel, bool rows) {
  const auto size = static_cast<int64_t>(kernel.size()), radius = size / 2;
  const auto weights = torch::tensor(kernel, image.options());
  const std::vector<int64_t> pad =
      rows ? std::vector<int64_t>{radius, radius, 0, 0} : std::vector<int64_t>{0, 0, radius, radius};
  const auto padded = F::pad(image, F::PadFuncOptions(pad).mode(torch::kReplicate));
  return torch::conv2d(padded, rows ? weights.view({1, 1, 1, size}) : weights.view({1, 1, size, 1}));
}

torch::Tensor Shaded(const torch::Tensor& image, const PhotometricChange::Shadow& shadow) {
  const auto x = torch::arange(image.size(3), image.options()).view({1, -1}),
             y = torch::arange(image.size(2), image.options()).view({-1, 1});
  const auto side =
      ((x - shadow.x) * std::cos(shadow.angle) + (y - shadow.y) * std::sin(shadow.angle)) / shadow.softness;
  const auto lit = 0.5 + 0.5 * side / (1 + side.abs());
  return image * (1 - shadow.depth * (1 - lit));
}

}  // namespace

DevicePhotos::DevicePhotos(const std::vector<ShardPhoto>& photos, const torch::Device& device) {
  for (const ShardPhoto& photo : photos) {
    photos_.push_back(torch::from_blob(const_cast<uint8_t*>(photo.pixels.data()),
                                       {1, 1, photo.height, photo.width}, torch::kByte)
                          .to(device, torch::kByte, /*non_blocking=*/false, /*copy=*/true));
  }
}

torch::Tensor DevicePhotos::Warp(size_t photo, const Homography& photo_from_view, int width,
                                 int height) const {
  torch::NoGradGuard no_grad;
  auto image = photos_[photo].to(torch::kFloat) * (1.0f / 255.0f);
  Homography from_view = photo_from_view;
  const auto halvings = NumHalvings(photo_from_view, static_cast<int>(image.size(3)),
                                    static_cast<int>(image.size(2)), width, height);
  for (int i = 0; i < halvings; ++i) {
    image = torch::avg_pool2d(image, 2);
    from_view = HalfFromWhole() * from_view;
  }
  const auto options = image.options().dtype(torch::kDouble);
  const auto x = torch::arange(width, options).view({1, -1}),
             y = torch::arange(height, options).view({-1, 1});
  const auto& m = from_view.m;
  const auto w = m[6] * x + m[7] * y + m[8];
  // align_corners: -1 and 1 are the first and last pixels' centres.
  const auto u = (m[0] * x + m[1] * y + m[2]) / w * (2.0 / std::max<int64_t>(1, image.size(3) - 1)) - 1,
             v = (m[3] * x + m[4] * y + m[5]) / w * (2.0 / std::max<int64_t>(1, image.size(2) - 1)) - 1;
  const auto grid = torch::stack({u, v}, 2).unsqueeze(0).to(torch::kFloat);
  return F::grid_sample(
      image, grid,
      F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kBorder).align_corners(true));
}

torch::Tensor AugmentOnDevice(const torch::Tensor& image, const PhotometricOptions& o, Rng& rng) {
  if (o.strength <= 0) return image;
  torch::NoGradGuard no_grad;
  const PhotometricChange change =
      DrawPhotometricChange(o, static_cast<int>(image.size(3)), static_cast<int>(image.size(2)), rng);
  auto out = image;
  if (change.shadow) out = Shaded(out, *change.shadow);
  if (change.blur_px) {
    const auto kernel = GaussianKernel(*change.blur_px);
    out = ConvolveLines(ConvolveLines(out, kernel, true), kernel, false);
  }
  if (change.motion_blur) {
    const int length = change.motion_blur->length;
    out = ConvolveLines(out, std::vector<float>(length, 1.0f / static_cast<float>(length)),
                        change.motion_blur->along_rows);
  }
  out = ((out.clamp(0, 1).pow(change.gamma) - 0.5) * change.gain + 0.5 + change.offset);
  if (change.invert) out = 1 - out;
  torch::manual_seed(rng.Next());
  return (out.clamp(0, 1) + change.noise * torch::randn_like(out)).clamp(0, 1);
}

}  // namespace colmatch
