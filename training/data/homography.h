// Plane homographies: sampling as the training data need them, and application. No dependency but the
// standard library. Points are (x, y) pixels, the first pixel's centre is (0, 0).
#pragma once

#include <array>

#include "util/random.h"

namespace colmatch {

struct Point2 {
  double x = 0, y = 0;
};

// Row-major 3 x 3; b_from_a maps a's pixels to b's.
struct Homography {
  std::array<double, 9> m = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  Point2 Apply(Point2 p) const;
  Homography Inverse() const;  // throws std::runtime_error if singular
};

Homography operator*(const Homography& a, const Homography& b);

// The homography that takes from[i] to to[i]; throws std::runtime_error for degenerate corners.
Homography HomographyFromCorners(const std::array<Point2, 4>& from, const std::array<Point2, 4>& to);

struct HomographyOptions {
  double difficulty = 0.7;      // 0: none; 1: corners move up to the centre
  double max_angle_deg = 45.0;  // of in-plane rotation, times difficulty
  double translation = 1.0;     // share of the free room used, times difficulty
  double min_convexity = 0.05;  // least cross product at a corner, in units of the image
};

// A quadrilateral of four corners (clockwise from the upper left) that lies within [0, width-1] x [0,
// height-1]: corners moved inwards at random, convex, re-centred, rotated by the first of ten shuffled angles
// that stays inside, and shifted; the sampling of glue-factory (peers.md 3), so a warp never shows anything
// outside the photo. Throws std::runtime_error where there is none: an image of a pixel or two, a
// min_convexity out of reach.
std::array<Point2, 4> SampleQuadrilateral(double width, double height, const HomographyOptions& options,
                                          Rng& rng);

// The corners of an image, in the same order.
std::array<Point2, 4> ImageCorners(double width, double height);

}  // namespace colmatch
