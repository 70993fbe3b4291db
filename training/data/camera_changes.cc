// Stronger changes of the picture; see camera_changes.h.
#include "training/data/camera_changes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace colmatch {
namespace {

constexpr int kBlock = 8;
constexpr double kPi = 3.14159265358979323846;
using Block = std::array<float, kBlock * kBlock>;

// ITU-T T.81, table K.1.
constexpr std::array<int, kBlock* kBlock> kLuminance = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

// Row k holds the k-th cosine; orthonormal.
const Block& Cosines() {
  static const Block table = [] {
    Block cosines{};
    for (int k = 0; k < kBlock; ++k) {
      for (int i = 0; i < kBlock; ++i) {
        cosines[k * kBlock + i] = static_cast<float>(std::sqrt((k == 0 ? 1.0 : 2.0) / kBlock) *
                                                     std::cos(kPi * k * (2 * i + 1) / (2.0 * kBlock)));
      }
    }
    return cosines;
  }();
  return table;
}

// out = a b, where a or b is read transposed if told so.
Block Product(const Block& a, bool a_transposed, const Block& b, bool b_transposed) {
  Block out{};
  for (int i = 0; i < kBlock; ++i) {
    for (int k = 0; k < kBlock; ++k) {
      const float left = a_transposed ? a[k * kBlock + i] : a[i * kBlock + k];
      for (int j = 0; j < kBlock; ++j)
        out[i * kBlock + j] += left * (b_transposed ? b[j * kBlock + k] : b[k * kBlock + j]);
    }
  }
  return out;
}

void Respond(FloatImage& image, double exponent) {
  for (float& value : image.pixels) {
    const double rise = std::pow(std::clamp(static_cast<double>(value), 0.0, 1.0), exponent),
                 fall = std::pow(1 - std::clamp(static_cast<double>(value), 0.0, 1.0), exponent);
    value = static_cast<float>(rise / (rise + fall));
  }
}

// Light from the air, more of it towards one edge.
void AddHaze(FloatImage& image, double share_above, double share_below, double air_light) {
  for (int y = 0; y < image.height; ++y) {
    const double down = (y + 0.5) / image.height;
    const auto share = static_cast<float>(share_above + (share_below - share_above) * down);
    float* row = image.row(y);
    for (int x = 0; x < image.width; ++x) row[x] += share * (static_cast<float>(air_light) - row[x]);
  }
}

// Little light, and the noise of it.
void Darken(FloatImage& image, double exposure, double noise, Rng& rng) {
  for (float& value : image.pixels) value = static_cast<float>(value * exposure + noise * rng.Normal());
}

// The mean along a line of `length` pixels through each pixel.
void Streak(FloatImage& image, double length, double angle) {
  const FloatImage still = image;
  const int steps = std::max(2, static_cast<int>(std::ceil(length)));
  const double dx = std::cos(angle) * length / (steps - 1), dy = std::sin(angle) * length / (steps - 1);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      float sum = 0;
      for (int s = 0; s < steps; ++s) {
        const double along = s - 0.5 * (steps - 1);
        sum += SampleBilinear(still, x + along * dx, y + along * dy);
      }
      image.row(y)[x] = sum / static_cast<float>(steps);
    }
  }
}

// Smaller by the factor, each pixel the mean of what it covers, and interpolated back.
void LoseResolution(FloatImage& image, double factor) {
  FloatImage small{std::max(1, static_cast<int>(image.width / factor)),
                   std::max(1, static_cast<int>(image.height / factor)),
                   {}};
  const double sx = static_cast<double>(image.width) / small.width,
               sy = static_cast<double>(image.height) / small.height;
  constexpr double kInside[] = {-0.25, 0.25};  // two samples of a pixel along each side
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      float sum = 0;
      for (const double v : kInside) {
        for (const double u : kInside)
          sum += SampleBilinear(image, (x + 0.5 + u) * sx - 0.5, (y + 0.5 + v) * sy - 0.5);
      }
      small.pixels.push_back(sum / 4);
    }
  }
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x)
      image.row(y)[x] = SampleBilinear(small, (x + 0.5) / sx - 0.5, (y + 0.5) / sy - 0.5);
  }
}

void Clamp(FloatImage& image) {
  for (float& value : image.pixels) value = std::clamp(value, 0.0f, 1.0f);
}

}  // namespace

void CompressBlocks(FloatImage& image, double quality) {
  const double percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  Block steps;
  for (size_t i = 0; i < steps.size(); ++i)
    steps[i] = static_cast<float>(std::clamp(std::floor((kLuminance[i] * percent + 50) / 100), 1.0, 255.0));
  for (int top = 0; top + kBlock <= image.height; top += kBlock) {
    for (int left = 0; left + kBlock <= image.width; left += kBlock) {
      Block pixels;
      for (int y = 0; y < kBlock; ++y) {
        for (int x = 0; x < kBlock; ++x) pixels[y * kBlock + x] = image.row(top + y)[left + x] * 255 - 128;
      }
      Block waves = Product(Product(Cosines(), false, pixels, false), false, Cosines(), true);
      for (size_t i = 0; i < waves.size(); ++i) waves[i] = std::nearbyint(waves[i] / steps[i]) * steps[i];
      pixels = Product(Product(Cosines(), true, waves, false), false, Cosines(), false);
      for (int y = 0; y < kBlock; ++y) {
        for (int x = 0; x < kBlock; ++x)
          image.row(top + y)[left + x] = std::clamp((pixels[y * kBlock + x] + 128) / 255, 0.0f, 1.0f);
      }
    }
  }
}

void ChangeCamera(FloatImage& image, const CameraChangeOptions& o, Rng& rng) {
  if (o.probability <= 0 || !rng.Chance(o.probability)) return;
  if (rng.Chance(o.haze_probability)) {
    const double most = o.max_haze * rng.Uniform(), least = most * rng.Uniform();
    const bool above = rng.Chance(0.7);
    AddHaze(image, above ? most : least, above ? least : most, rng.Uniform(0.5, 1.0));
  }
  if (rng.Chance(o.motion_probability)) Streak(image, rng.Uniform(2, o.max_motion_px), rng.Uniform(0, kPi));
  if (rng.Chance(o.resolution_probability)) LoseResolution(image, rng.Uniform(1.2, o.max_reduction));
  if (rng.Chance(o.night_probability)) {
    const double exposure = std::exp(rng.Uniform(std::log(o.min_exposure), std::log(0.6)));
    Darken(image, exposure, o.max_night_noise * rng.Uniform() * rng.Uniform(), rng);
  }
  if (rng.Chance(o.response_probability)) Respond(image, std::exp(o.max_log_response * rng.Uniform(-1, 1)));
  Clamp(image);
  if (rng.Chance(o.compression_probability)) CompressBlocks(image, rng.Uniform(o.min_quality, o.max_quality));
}

}  // namespace colmatch
