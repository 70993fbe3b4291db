// Synthetic shapes; see synthetic_shapes.h.
#include "training/data/synthetic_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace colmatch {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kSamples = 3;  // a side of a pixel: edges are soft, as a lens makes them

using Points = std::vector<Point2>;

double Cross(Point2 a, Point2 b, Point2 c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

// By the number of edges a ray to the right crosses: any polygon that does not cut itself.
bool IsInside(const Points& polygon, Point2 p) {
  bool inside = false;
  for (size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point2 &a = polygon[i], &b = polygon[j];
    if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

// Blends the value into every pixel by the share of its area for which `inside` holds.
void Paint(FloatImage& image, Point2 low, Point2 high, float value,
           const std::function<bool(Point2)>& inside) {
  const int x0 = std::max(0, static_cast<int>(std::floor(low.x))),
            y0 = std::max(0, static_cast<int>(std::floor(low.y)));
  const int x1 = std::min(image.width - 1, static_cast<int>(std::ceil(high.x))),
            y1 = std::min(image.height - 1, static_cast<int>(std::ceil(high.y)));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      int count = 0;
      for (int s = 0; s < kSamples * kSamples; ++s) {
        const double dx = (s % kSamples + 0.5) / kSamples - 0.5, dy = (s / kSamples + 0.5) / kSamples - 0.5;
        count += inside({x + dx, y + dy});
      }
      const float share = static_cast<float>(count) / (kSamples * kSamples);
      float& pixel = image.row(y)[x];
      pixel += share * (value - pixel);
    }
  }
}

void FillPolygon(FloatImage& image, const Points& polygon, float value) {
  Point2 low = polygon[0], high = polygon[0];
  for (const Point2& p : polygon) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  Paint(image, low, high, value, [&](Point2 p) { return IsInside(polygon, p); });
}

void FillEllipse(FloatImage& image, Point2 centre, double a, double b, double angle, float value) {
  const double reach = std::max(a, b), c = std::cos(angle), s = std::sin(angle);
  Paint(image, {centre.x - reach, centre.y - reach}, {centre.x + reach, centre.y + reach}, value,
        [&](Point2 p) {
          const double dx = p.x - centre.x, dy = p.y - centre.y, u = (c * dx + s * dy) / a,
                       v = (c * dy - s * dx) / b;
          return u * u + v * v <= 1;
        });
}

void DrawLine(FloatImage& image, Point2 from, Point2 to, double width, float value) {
  const double length = std::max(1e-9, std::hypot(to.x - from.x, to.y - from.y));
  const double nx = -(to.y - from.y) / length * width / 2, ny = (to.x - from.x) / length * width / 2;
  FillPolygon(image,
              {{from.x + nx, from.y + ny},
               {to.x + nx, to.y + ny},
               {to.x - nx, to.y - ny},
               {from.x - nx, from.y - ny}},
              value);
}

// One of the two ends of the grey scale as seen from `other`, at least 0.2 away.
float ContrastingGrey(float other, Rng& rng) {
  const double down = other - 0.2, up = 0.8 - other;
  if (down > 0 && (up <= 0 || rng.Chance(down / (down + up))))
    return static_cast<float>(rng.Uniform(0, down));
  return static_cast<float>(rng.Uniform(other + 0.2, 1));
}

float Mean(const FloatImage& image) {
  double sum = 0;
  for (const float value : image.pixels) sum += value;
  return static_cast<float>(sum / static_cast<double>(image.pixels.size()));
}

// A grey with soft blobs.
FloatImage Background(int width, int height, Rng& rng) {
  const auto grey = static_cast<float>(rng.Uniform(0.1, 0.9));
  FloatImage image{width, height, std::vector<float>(static_cast<size_t>(width) * height, grey)};
  const auto blobs = rng.Below(8);
  for (int64_t i = 0; i < blobs; ++i) {
    const double x0 = rng.Uniform(0, width), y0 = rng.Uniform(0, height),
                 sigma = rng.Uniform(0.15, 0.5) * width, depth = rng.Uniform(-0.25, 0.25);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double squared = (x - x0) * (x - x0) + (y - y0) * (y - y0);
        image.row(y)[x] += static_cast<float>(depth * std::exp(-squared / (2 * sigma * sigma)));
      }
    }
  }
  for (float& value : image.pixels) value = std::clamp(value, 0.0f, 1.0f);
  return image;
}

Point2 Anywhere(const FloatImage& image, Rng& rng) {
  return {rng.Uniform(0, image.width - 1), rng.Uniform(0, image.height - 1)};
}

// Corners of a convex polygon around a centre, in order.
Points RandomPolygon(Point2 centre, double radius, int corners, Rng& rng) {
  std::vector<double> angles;
  const double start = rng.Uniform(0, 2 * kPi);
  for (int i = 0; i < corners; ++i)
    angles.push_back(start + 2 * kPi * (i + rng.Uniform(-0.3, 0.3)) / corners);
  Points polygon;
  for (const double angle : angles) {
    const double r = radius * rng.Uniform(0.7, 1);
    polygon.push_back({centre.x + r * std::cos(angle), centre.y + r * std::sin(angle)});
  }
  return polygon;
}

// A flat angle is no corner.
Points SharpCorners(const Points& polygon) {
  Points sharp;
  for (size_t i = 0; i < polygon.size(); ++i) {
    const Point2 &a = polygon[(i + polygon.size() - 1) % polygon.size()], &b = polygon[i],
                 &c = polygon[(i + 1) % polygon.size()];
    const double ab = std::hypot(b.x - a.x, b.y - a.y), bc = std::hypot(c.x - b.x, c.y - b.y);
    if (std::abs(Cross(a, b, c)) > 0.5 * ab * bc) sharp.push_back(b);  // turns by 30 degrees and more
  }
  return sharp;
}

void AddAll(Points& corners, const Points& more) { corners.insert(corners.end(), more.begin(), more.end()); }

// Corners that something drawn later covers are none any more.
void RemoveCovered(Points& corners, const Points& polygon) {
  corners.erase(
      std::remove_if(corners.begin(), corners.end(), [&](Point2 p) { return IsInside(polygon, p); }),
      corners.end());
}

Points DrawLines(FloatImage& image, Rng& rng) {
  Points corners;
  struct Segment {
    Point2 from, to;
  };
  std::vector<Segment> drawn;
  const int64_t wanted = 1 + rng.Below(8);
  const float grey = ContrastingGrey(Mean(image), rng);
  for (int64_t i = 0; i < wanted; ++i) {
    const Segment line{Anywhere(image, rng), Anywhere(image, rng)};
    // Lines do not cross: a crossing is a corner too, but of four lines' ends.
    const auto crosses = [&](const Segment& other) {
      return Cross(line.from, line.to, other.from) * Cross(line.from, line.to, other.to) <= 0 &&
             Cross(other.from, other.to, line.from) * Cross(other.from, other.to, line.to) <= 0;
    };
    const double length = std::hypot(line.to.x - line.from.x, line.to.y - line.from.y);
    if (length < 0.15 * image.width || std::any_of(drawn.begin(), drawn.end(), crosses)) continue;
    drawn.push_back(line);
    DrawLine(image, line.from, line.to, rng.Uniform(1, 0.02 * image.width + 1.5), grey);
    AddAll(corners, {line.from, line.to});
  }
  return corners;
}

Points DrawPolygons(FloatImage& image, Rng& rng) {
  Points corners;
  const int64_t wanted = 1 + rng.Below(6);
  const float background = Mean(image);
  for (int64_t i = 0; i < wanted; ++i) {
    const double radius =
        rng.Uniform(0.08, 0.3) * std::min(image.width, image.height) * (wanted == 1 ? 1.5 : 1);
    const Points polygon =
        RandomPolygon(Anywhere(image, rng), radius, static_cast<int>(3 + rng.Below(4)), rng);
    RemoveCovered(corners, polygon);
    FillPolygon(image, polygon, ContrastingGrey(background, rng));
    AddAll(corners, SharpCorners(polygon));
  }
  return corners;
}

Points DrawStar(FloatImage& image, Rng& rng) {
  const Point2 centre{rng.Uniform(0.3, 0.7) * image.width, rng.Uniform(0.3, 0.7) * image.height};
  const float grey = ContrastingGrey(Mean(image), rng);
  const auto rays = static_cast<int>(3 + rng.Below(4));
  const double start = rng.Uniform(0, 2 * kPi), width = rng.Uniform(1, 0.02 * image.width + 1.5);
  Points corners = {centre};
  for (int i = 0; i < rays; ++i) {
    const double angle = start + 2 * kPi * (i + rng.Uniform(-0.3, 0.3)) / rays,
                 length = rng.Uniform(0.15, 0.45) * std::min(image.width, image.height);
    const Point2 end{centre.x + length * std::cos(angle), centre.y + length * std::sin(angle)};
    DrawLine(image, centre, end, width, grey);
    corners.push_back(end);
  }
  return corners;
}

// A grid seen in perspective; painted by looking up the cell of each pixel. Returns the grid's nodes that
// `is_corner` accepts.
Points DrawGrid(FloatImage& image, int columns, int rows, const std::vector<float>& greys, Rng& rng) {
  HomographyOptions sampling{0.5, 45, 1.0, 0.05};
  const auto corners = SampleQuadrilateral(image.width, image.height, sampling, rng);
  const Homography board_from_image = HomographyFromCorners(
      corners, {{{0, 0}, {double(columns), 0}, {double(columns), double(rows)}, {0, double(rows)}}});
  const Homography image_from_board = board_from_image.Inverse();
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      Points cell;
      for (const auto& [dx, dy] : {std::pair(0, 0), {1, 0}, {1, 1}, {0, 1}})
        cell.push_back(image_from_board.Apply({double(column + dx), double(row + dy)}));
      FillPolygon(image, cell, greys[static_cast<size_t>(row) * columns + column]);
    }
  }
  Points nodes;
  for (int row = 0; row <= rows; ++row) {
    for (int column = 0; column <= columns; ++column)
      nodes.push_back(image_from_board.Apply({double(column), double(row)}));
  }
  return nodes;
}

Points DrawCheckerboard(FloatImage& image, Rng& rng) {
  const auto columns = static_cast<int>(3 + rng.Below(5)), rows = static_cast<int>(3 + rng.Below(5));
  const float dark = ContrastingGrey(Mean(image), rng), light = ContrastingGrey(dark, rng);
  std::vector<float> greys;
  for (int i = 0; i < columns * rows; ++i) {
    const float base = (i / columns + i % columns) % 2 == 0 ? dark : light;
    greys.push_back(std::clamp(base + static_cast<float>(rng.Uniform(-0.04, 0.04)), 0.0f, 1.0f));
  }
  return DrawGrid(image, columns, rows, greys, rng);
}

Points DrawStripes(FloatImage& image, Rng& rng) {
  const auto columns = static_cast<int>(3 + rng.Below(8));
  std::vector<float> greys = {ContrastingGrey(Mean(image), rng)};
  for (int i = 1; i < columns; ++i) greys.push_back(ContrastingGrey(greys.back(), rng));
  return DrawGrid(image, columns, 1, greys, rng);
}

// Three visible faces of a box under a random affine view.
Points DrawCube(FloatImage& image, Rng& rng) {
  const double size = 0.22 * std::min(image.width, image.height);
  const Point2 near{rng.Uniform(0.4, 0.6) * image.width, rng.Uniform(0.4, 0.6) * image.height};
  const double start = rng.Uniform(0, 2 * kPi);
  std::array<Point2, 3> edge;
  for (int i = 0; i < 3; ++i) {
    const double angle = start + 2 * kPi * (i + rng.Uniform(-0.2, 0.2)) / 3,
                 length = size * rng.Uniform(0.6, 1.6);
    edge[i] = {length * std::cos(angle), length * std::sin(angle)};
  }
  Points corners = {near};
  float grey = Mean(image);
  for (int i = 0; i < 3; ++i) {
    const Point2 a = edge[i], b = edge[(i + 1) % 3];
    const Points face = {near,
                         {near.x + a.x, near.y + a.y},
                         {near.x + a.x + b.x, near.y + a.y + b.y},
                         {near.x + b.x, near.y + b.y}};
    grey = ContrastingGrey(grey, rng);
    FillPolygon(image, face, grey);
    AddAll(corners, {face[1], face[2]});
  }
  return corners;
}

Points DrawEllipses(FloatImage& image, Rng& rng) {
  const int64_t wanted = 1 + rng.Below(8);
  const float background = Mean(image);
  for (int64_t i = 0; i < wanted; ++i) {
    const double a = rng.Uniform(0.05, 0.2) * image.width, b = a * rng.Uniform(0.5, 1);
    FillEllipse(image, Anywhere(image, rng), a, b, rng.Uniform(0, kPi), ContrastingGrey(background, rng));
  }
  return {};
}

Points DrawNoise(FloatImage& image, Rng& rng) {
  const double deviation = rng.Uniform(0.05, 0.3);
  for (float& value : image.pixels)
    value = std::clamp(value + static_cast<float>(deviation * rng.Normal()), 0.0f, 1.0f);
  return {};
}

}  // namespace

SyntheticImage DrawSyntheticShape(SyntheticShape shape, int width, int height, Rng& rng) {
  using Draw = Points (*)(FloatImage&, Rng&);
  static constexpr Draw kDraw[kNumSyntheticShapes] = {
      DrawLines, DrawPolygons, DrawStar, DrawCheckerboard, DrawStripes, DrawCube, DrawEllipses, DrawNoise};
  SyntheticImage result;
  result.image = Background(width, height, rng);
  for (const Point2& p : kDraw[static_cast<int>(shape)](result.image, rng)) {
    if (p.x < 0 || p.y < 0 || p.x > width - 1 || p.y > height - 1) continue;
    result.corners.push_back({static_cast<float>(p.x), static_cast<float>(p.y), 1});
  }
  return result;
}

}  // namespace colmatch
