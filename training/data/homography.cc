// Plane homographies; see homography.h.
#include "training/data/homography.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace colmatch {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kNumAngles = 10;
constexpr int kMaxTries = 100000;  // of corners; a few are usual

Point2 Mean(const std::array<Point2, 4>& p) {
  return {(p[0].x + p[1].x + p[2].x + p[3].x) / 4, (p[0].y + p[1].y + p[2].y + p[3].y) / 4};
}

// All corners turn the same way by at least min_convexity (unit square coordinates).
bool IsConvex(const std::array<Point2, 4>& p, double width, double height, double min_convexity) {
  for (int i = 0; i < 4; ++i) {
    const Point2 &a = p[i], &b = p[(i + 1) % 4], &c = p[(i + 2) % 4];
    const double cross = ((b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)) / (width * height);
    if (cross < min_convexity) return false;
  }
  return true;
}

// Three of the corners lie on a line, up to rounding.
bool IsDegenerate(const std::array<Point2, 4>& p) {
  for (int i = 0; i < 4; ++i) {
    const Point2 &a = p[i], &b = p[(i + 1) % 4], &c = p[(i + 2) % 4];
    const double ux = b.x - a.x, uy = b.y - a.y, vx = c.x - b.x, vy = c.y - b.y;
    if (std::abs(ux * vy - uy * vx) <= 1e-9 * std::hypot(ux, uy) * std::hypot(vx, vy)) return true;
  }
  return false;
}

bool IsInside(const std::array<Point2, 4>& p, double width, double height) {
  return std::all_of(p.begin(), p.end(), [&](const Point2& q) {
    return q.x >= 0 && q.y >= 0 && q.x <= width - 1 && q.y <= height - 1;
  });
}

std::array<Point2, 4> Rotated(std::array<Point2, 4> p, double angle) {
  const Point2 center = Mean(p);
  const double c = std::cos(angle), s = std::sin(angle);
  for (Point2& q : p) {
    const double x = q.x - center.x, y = q.y - center.y;
    q = {center.x + c * x - s * y, center.y + s * x + c * y};
  }
  return p;
}

void RotateIfItFits(std::array<Point2, 4>& corners, double width, double height, double max_angle, Rng& rng) {
  std::array<double, kNumAngles> angles;
  for (int i = 0; i < kNumAngles; ++i) angles[i] = max_angle * (2.0 * i / (kNumAngles - 1) - 1.0);
  for (int i = kNumAngles - 1; i > 0; --i) std::swap(angles[i], angles[rng.Below(i + 1)]);
  for (const double angle : angles) {
    const auto rotated = Rotated(corners, angle);
    if (IsInside(rotated, width, height)) {
      corners = rotated;
      return;
    }
  }
}

void ShiftWithinImage(std::array<Point2, 4>& p, double width, double height, double amount, Rng& rng) {
  const auto [left, right] = std::minmax({p[0].x, p[1].x, p[2].x, p[3].x});
  const auto [top, bottom] = std::minmax({p[0].y, p[1].y, p[2].y, p[3].y});
  const double dx = amount * rng.Uniform(-left, width - 1 - right);
  const double dy = amount * rng.Uniform(-top, height - 1 - bottom);
  for (Point2& q : p) q = {q.x + dx, q.y + dy};
}

}  // namespace

Point2 Homography::Apply(Point2 p) const {
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  return {(m[0] * p.x + m[1] * p.y + m[2]) / w, (m[3] * p.x + m[4] * p.y + m[5]) / w};
}

Homography Homography::Inverse() const {
  Homography r;
  r.m = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
         m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
         m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  const double determinant = m[0] * r.m[0] + m[1] * r.m[3] + m[2] * r.m[6];
  if (std::abs(determinant) < 1e-15) throw std::runtime_error("Homography: singular, has no inverse");
  for (double& value : r.m) value /= determinant;
  return r;
}

Homography operator*(const Homography& a, const Homography& b) {
  Homography r;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      r.m[3 * i + j] = a.m[3 * i] * b.m[j] + a.m[3 * i + 1] * b.m[3 + j] + a.m[3 * i + 2] * b.m[6 + j];
    }
  }
  return r;
}

Homography HomographyFromCorners(const std::array<Point2, 4>& from, const std::array<Point2, 4>& to) {
  if (IsDegenerate(from) || IsDegenerate(to)) {
    throw std::runtime_error("HomographyFromCorners: three of the four corners lie on a line");
  }
  // Eight linear equations in the entries with h33 = 1, solved by elimination with partial pivoting.
  double a[8][9];
  for (int i = 0; i < 4; ++i) {
    const double x = from[i].x, y = from[i].y, u = to[i].x, v = to[i].y;
    const double row_u[9] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u};
    const double row_v[9] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
    std::copy(row_u, row_u + 9, a[2 * i]);
    std::copy(row_v, row_v + 9, a[2 * i + 1]);
  }
  for (int column = 0; column < 8; ++column) {
    int pivot = column;
    for (int row = column + 1; row < 8; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    if (std::abs(a[pivot][column]) < 1e-12) {
      throw std::runtime_error("HomographyFromCorners: the corners have no homography");
    }
    std::swap_ranges(a[column], a[column] + 9, a[pivot]);
    for (int row = 0; row < 8; ++row) {
      if (row == column) continue;
      const double factor = a[row][column] / a[column][column];
      for (int k = column; k < 9; ++k) a[row][k] -= factor * a[column][k];
    }
  }
  Homography h;
  for (int i = 0; i < 8; ++i) h.m[i] = a[i][8] / a[i][i];
  return h;
}

std::array<Point2, 4> ImageCorners(double width, double height) {
  return {{{0, 0}, {width - 1, 0}, {width - 1, height - 1}, {0, height - 1}}};
}

std::array<Point2, 4> SampleQuadrilateral(double width, double height, const HomographyOptions& options,
                                          Rng& rng) {
  const auto full = ImageCorners(width, height);
  const Point2 center = Mean(full);
  std::array<Point2, 4> corners;
  int tries = 0;
  do {
    if (!(width > 1 && height > 1) || ++tries > kMaxTries) {
      throw std::runtime_error("SampleQuadrilateral: no convex quadrilateral in an image of " +
                               std::to_string(width) + " x " + std::to_string(height) +
                               " pixels; the image is too small");
    }
    for (int i = 0; i < 4; ++i) {
      corners[i].x = full[i].x + rng.Uniform() * options.difficulty * (center.x - full[i].x);
      corners[i].y = full[i].y + rng.Uniform() * options.difficulty * (center.y - full[i].y);
    }
  } while (!IsConvex(corners, width, height, options.min_convexity));
  const Point2 mean = Mean(corners);
  auto recentred = corners;
  for (Point2& p : recentred) p = {p.x - mean.x + center.x, p.y - mean.y + center.y};
  if (IsInside(recentred, width, height)) corners = recentred;
  RotateIfItFits(corners, width, height, options.max_angle_deg * kPi / 180 * options.difficulty, rng);
  ShiftWithinImage(corners, width, height, std::min(1.0, options.translation * options.difficulty), rng);
  return corners;
}

}  // namespace colmatch
