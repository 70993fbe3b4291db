// Image warping; see warp.h.
#include "training/data/warp.h"

#include <algorithm>
#include <cmath>

namespace colmatch {
namespace {

// Source pixels per output pixel along the shorter direction at the middle of the output.
double ShrinkFactor(const Homography& image_from_out, int width, int height) {
  const Point2 c{width / 2.0, height / 2.0};
  const Point2 p = image_from_out.Apply(c), px = image_from_out.Apply({c.x + 1, c.y}),
               py = image_from_out.Apply({c.x, c.y + 1});
  return std::min(std::hypot(px.x - p.x, px.y - p.y), std::hypot(py.x - p.x, py.y - p.y));
}

}  // namespace

float SampleBilinear(const FloatImage& image, double x, double y) {
  x = std::clamp(x, 0.0, image.width - 1.0);
  y = std::clamp(y, 0.0, image.height - 1.0);
  const int x0 = std::min(static_cast<int>(x), std::max(0, image.width - 2));
  const int y0 = std::min(static_cast<int>(y), std::max(0, image.height - 2));
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const float fx = static_cast<float>(x - x0), fy = static_cast<float>(y - y0);
  const float* top = image.row(y0);
  const float* bottom = image.row(y1);
  const float upper = top[x0] + fx * (top[x1] - top[x0]);
  const float lower = bottom[x0] + fx * (bottom[x1] - bottom[x0]);
  return upper + fy * (lower - upper);
}

FloatImage GrayFromBytes(const uint8_t* pixels, int width, int height) {
  FloatImage image{width, height, {}};
  image.pixels.resize(static_cast<size_t>(width) * height);
  std::transform(pixels, pixels + image.pixels.size(), image.pixels.begin(),
                 [](uint8_t value) { return static_cast<float>(value) * (1.0f / 255.0f); });
  return image;
}

FloatImage HalfSize(const FloatImage& image) {
  FloatImage half{image.width / 2, image.height / 2, {}};
  half.pixels.resize(static_cast<size_t>(half.width) * half.height);
  for (int y = 0; y < half.height; ++y) {
    const float *a = image.row(2 * y), *b = image.row(2 * y + 1);
    float* out = half.row(y);
    for (int x = 0; x < half.width; ++x) out[x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
  }
  return half;
}

Homography HalfFromWhole() {
  Homography half;
  half.m = {0.5, 0, -0.25, 0, 0.5, -0.25, 0, 0, 1};
  return half;
}

int NumHalvings(const Homography& image_from_out, int image_width, int image_height, int out_width,
                int out_height) {
  constexpr double kHalveBeyond = 1.5;
  int halvings = 0;
  Homography from_out = image_from_out;
  while (ShrinkFactor(from_out, out_width, out_height) > kHalveBeyond && image_width >= 4 &&
         image_height >= 4) {
    from_out = HalfFromWhole() * from_out;
    image_width /= 2;
    image_height /= 2;
    ++halvings;
  }
  return halvings;
}

FloatImage WarpImage(const FloatImage& image, const Homography& image_from_out, int out_width,
                     int out_height) {
  if (NumHalvings(image_from_out, image.width, image.height, out_width, out_height) > 0) {
    return WarpImage(HalfSize(image), HalfFromWhole() * image_from_out, out_width, out_height);
  }
  FloatImage out{out_width, out_height, {}};
  out.pixels.resize(static_cast<size_t>(out_width) * out_height);
  const auto& m = image_from_out.m;
  for (int y = 0; y < out_height; ++y) {
    float* row = out.row(y);
    for (int x = 0; x < out_width; ++x) {
      const double w = 1.0 / (m[6] * x + m[7] * y + m[8]);
      row[x] = SampleBilinear(image, (m[0] * x + m[1] * y + m[2]) * w, (m[3] * x + m[4] * y + m[5]) * w);
    }
  }
  return out;
}

}  // namespace colmatch
