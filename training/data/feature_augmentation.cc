// Augmentation of features; see feature_augmentation.h.
#include "training/data/feature_augmentation.h"

#include <torch/torch.h>

#include <cmath>

namespace colmatch {
namespace {

torch::Tensor RandomNormal(int64_t rows, int64_t columns, Rng& rng) {
  auto values = torch::empty({rows, columns});
  for (int64_t i = 0; i < values.numel(); ++i) values.data_ptr<float>()[i] = static_cast<float>(rng.Normal());
  return values;
}

}  // namespace

torch::Tensor DisplaceKeypoints(const torch::Tensor& points, double strength, Rng& rng) {
  const double angle = strength * rng.Uniform(-0.2, 0.2), shear = strength * rng.Uniform(-0.1, 0.1);
  const double scale_x = std::exp(strength * rng.Uniform(-0.2, 0.2));
  const double scale_y = std::exp(strength * rng.Uniform(-0.2, 0.2));
  const double c = std::cos(angle), s = std::sin(angle);
  const auto map =
      torch::tensor({c * scale_x, s * scale_x, scale_y * (shear * c - s), scale_y * (shear * s + c)},
                    points.options())
          .view({2, 2});  // of row vectors
  const auto shift =
      torch::tensor({strength * rng.Uniform(-0.1, 0.1), strength * rng.Uniform(-0.1, 0.1)}, points.options());
  return torch::matmul(points, map) + shift;
}

torch::Tensor RandomRotation(int64_t dim, double angle, Rng& rng) {
  const auto g = RandomNormal(dim, dim, rng);
  // The largest eigenvalue of g - g' is near sqrt(8 dim).
  return torch::matrix_exp((g - g.t()) * (angle / std::sqrt(8.0 * static_cast<double>(dim))));
}

torch::Tensor DescriptorAugmentation::Apply(const torch::Tensor& descriptors, Rng& rng) const {
  const auto turned = rotation.defined() ? rotation.mm(descriptors) : descriptors;
  if (noise == 0) return turned;
  const double scale = noise / std::sqrt(static_cast<double>(turned.size(0)));
  const auto moved = turned + scale * RandomNormal(turned.size(0), turned.size(1), rng);
  return moved / moved.norm(2, 0, /*keepdim=*/true);
}

}  // namespace colmatch
