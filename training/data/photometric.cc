// Photometric augmentation; see photometric.h.
#include "training/data/photometric.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace colmatch {
namespace {

// Convolves every row (step 1) or column (step width) with a symmetric kernel, borders repeated.
void ConvolveLines(FloatImage& image, const std::vector<float>& kernel, bool rows) {
  const int radius = static_cast<int>(kernel.size()) / 2;
  const int length = rows ? image.width : image.height, lines = rows ? image.height : image.width;
  const size_t step = rows ? 1 : image.width, line_step = rows ? image.width : 1;
  std::vector<float> padded(length + 2 * radius);
  for (int line = 0; line < lines; ++line) {
    float* data = image.pixels.data() + line * line_step;
    for (int i = -radius; i < length + radius; ++i)
      padded[i + radius] = data[std::clamp(i, 0, length - 1) * step];
    for (int i = 0; i < length; ++i) {
      float sum = 0;
      for (size_t k = 0; k < kernel.size(); ++k) sum += kernel[k] * padded[i + k];
      data[i * step] = sum;
    }
  }
}

// A smooth multiplicative shadow: one half-plane darkened through a soft edge.
void Shade(FloatImage& image, const PhotometricChange::Shadow& shadow) {
  const double nx = std::cos(shadow.angle), ny = std::sin(shadow.angle);
  for (int y = 0; y < image.height; ++y) {
    float* row = image.row(y);
    for (int x = 0; x < image.width; ++x) {
      const double side = ((x - shadow.x) * nx + (y - shadow.y) * ny) / shadow.softness;
      const double lit = 0.5 + 0.5 * side / (1 + std::abs(side));
      row[x] *= static_cast<float>(1 - shadow.depth * (1 - lit));
    }
  }
}

// Cheap noise: the sum of four uniforms is near enough to a Gaussian.
void AddNoise(FloatImage& image, double deviation, Rng& rng) {
  const float scale = static_cast<float>(deviation * std::sqrt(3.0) / 65536.0);
  for (float& value : image.pixels) {
    const uint64_t bits = rng.Next();
    const int sum =
        static_cast<int>((bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48));
    value += scale * static_cast<float>(sum - 131070);
  }
}

void ChangeTone(FloatImage& image, const PhotometricChange& change) {
  // Tone is a function of one 0..1 value: a table is exact enough and fifty times faster than pow.
  std::array<float, 1025> table;
  for (size_t i = 0; i < table.size(); ++i) {
    const double value = (std::pow(i / 1024.0, change.gamma) - 0.5) * change.gain + 0.5 + change.offset;
    table[i] = static_cast<float>(std::clamp(change.invert ? 1 - value : value, 0.0, 1.0));
  }
  for (float& value : image.pixels)
    value = table[static_cast<int>(std::clamp(value, 0.0f, 1.0f) * 1024.0f + 0.5f)];
}

}  // namespace

std::vector<float> GaussianKernel(double sigma_px) {
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5 * sigma_px)));
  std::vector<float> kernel(2 * radius + 1);
  float sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    kernel[i + radius] = static_cast<float>(std::exp(-0.5 * i * i / (sigma_px * sigma_px)));
    sum += kernel[i + radius];
  }
  for (float& value : kernel) value /= sum;
  return kernel;
}

PhotometricChange DrawPhotometricChange(const PhotometricOptions& o, int width, int height, Rng& rng) {
  PhotometricChange change;
  if (rng.Chance(o.shade_probability)) {
    PhotometricChange::Shadow& shadow = change.shadow.emplace();
    shadow.depth = o.strength * o.max_shade * rng.Uniform();
    shadow.angle = rng.Uniform(0, 6.283185307179586);
    shadow.x = rng.Uniform(0.2, 0.8) * width;
    shadow.y = rng.Uniform(0.2, 0.8) * height;
    shadow.softness = rng.Uniform(0.02, 0.3) * width;
  }
  if (rng.Chance(o.blur_probability))
    change.blur_px = std::max(0.2, o.strength * o.max_blur_px * rng.Uniform());
  if (rng.Chance(o.motion_blur_probability)) {
    PhotometricChange::MotionBlur& blur = change.motion_blur.emplace();
    blur.length = 3 + 2 * static_cast<int>(rng.Below(2));
    blur.along_rows = rng.Chance(0.5);
  }
  change.gamma = std::exp(o.strength * o.max_log_gamma * rng.Uniform(-1, 1));
  change.gain = 1 + o.strength * o.max_contrast * rng.Uniform(-1, 1);
  change.offset = o.strength * o.max_brightness * rng.Uniform(-1, 1);
  change.invert = rng.Chance(o.invert_probability);
  change.noise = o.strength * o.max_noise * rng.Uniform() * rng.Uniform();
  return change;
}

void AugmentPhotometric(FloatImage& image, const PhotometricOptions& o, Rng& rng) {
  if (o.strength <= 0) return;
  const PhotometricChange change = DrawPhotometricChange(o, image.width, image.height, rng);
  if (change.shadow) Shade(image, *change.shadow);
  if (change.blur_px) {
    const auto kernel = GaussianKernel(*change.blur_px);
    ConvolveLines(image, kernel, true);
    ConvolveLines(image, kernel, false);
  }
  if (change.motion_blur) {
    const int length = change.motion_blur->length;
    ConvolveLines(image, std::vector<float>(length, 1.0f / static_cast<float>(length)),
                  change.motion_blur->along_rows);
  }
  ChangeTone(image, change);
  AddNoise(image, change.noise, rng);
  for (float& value : image.pixels) value = std::clamp(value, 0.0f, 1.0f);
}

}  // namespace colmatch
