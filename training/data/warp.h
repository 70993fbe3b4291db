// Grey images as plain floats, and their warping by homographies.
#pragma once

#include <cstdint>
#include <vector>

#include "training/data/homography.h"

namespace colmatch {

// Row-major, values in [0, 1].
struct FloatImage {
  int width = 0, height = 0;
  std::vector<float> pixels;

  float* row(int y) { return pixels.data() + static_cast<size_t>(y) * width; }
  const float* row(int y) const { return pixels.data() + static_cast<size_t>(y) * width; }
};

FloatImage GrayFromBytes(const uint8_t* pixels, int width, int height);

// Mean of 2 x 2 blocks; an odd last row or column is dropped. A pixel (x, y) here lies at (2x + 0.5, 2y +
// 0.5) there.
FloatImage HalfSize(const FloatImage& image);

// Bilinear, the borders repeated.
float SampleBilinear(const FloatImage& image, double x, double y);

// How often WarpImage halves the image before it samples, so that the training pictures carry no aliasing.
int NumHalvings(const Homography& image_from_out, int image_width, int image_height, int out_width,
                int out_height);

// A pixel of the image in the coordinates of HalfSize's.
Homography HalfFromWhole();

// out(p) = image(image_from_out(p)), bilinear, borders repeated. Where the warp shrinks by more than 1.5,
// samples from a halved image, so that the training pictures carry no aliasing.
FloatImage WarpImage(const FloatImage& image, const Homography& image_from_out, int out_width,
                     int out_height);

}  // namespace colmatch
