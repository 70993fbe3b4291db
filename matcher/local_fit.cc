// Local affine maps; see local_fit.h.
#include "matcher/local_fit.h"

#include <algorithm>
#include <cmath>

#include "matcher/local_fit_neighbors.h"
#include "network/simd.h"

namespace colmatch {
namespace {

constexpr int64_t kMostLanes = 16;

// Of all points; none at first.
struct Neighbors {
  int count = 0;       // of each point
  int64_t stride = 0;  // points, rounded up to whole vectors
  std::vector<float> dx, dy, x, y, weight, origin_x, origin_y;

  Neighbors(int num_neighbors, int64_t points)
      : count(num_neighbors), stride((points + kMostLanes - 1) / kMostLanes * kMostLanes) {
    for (auto* values : {&dx, &dy, &x, &y, &weight}) values->resize(static_cast<size_t>(count * stride));
    for (auto* values : {&origin_x, &origin_y}) values->resize(static_cast<size_t>(stride));
  }

  NeighborLanes From(int64_t point) {
    const auto at = [&](std::vector<float>& values) { return values.data() + point; };
    return {count, stride, at(dx), at(dy), at(x), at(y), at(weight), at(origin_x), at(origin_y)};
  }
};

// Matches sorted into square cells by their point in image 0.
class MatchGrid {
 public:
  explicit MatchGrid(const std::vector<PointMatch>& matches) : matches_(matches) {
    constexpr double kPerCell = 2;
    const auto [left, right] = std::minmax_element(
        matches.begin(), matches.end(), [](const PointMatch& a, const PointMatch& b) { return a.x0 < b.x0; });
    const auto [top, bottom] = std::minmax_element(
        matches.begin(), matches.end(), [](const PointMatch& a, const PointMatch& b) { return a.y0 < b.y0; });
    left_ = left->x0;
    top_ = top->y0;
    const double width = right->x0 - left->x0, height = bottom->y0 - top->y0;
    const double cells = std::max(1.0, static_cast<double>(matches.size()) / kPerCell);
    side_ = static_cast<float>(
        std::max({std::sqrt(width * height / cells), width / cells, height / cells, 1e-3}));
    columns_ = Cell(right->x0 - left_) + 1;
    rows_ = Cell(bottom->y0 - top_) + 1;
    begins_.assign(static_cast<size_t>(columns_ * rows_ + 1), 0);
    for (const PointMatch& match : matches) ++begins_[static_cast<size_t>(CellOf(match) + 1)];
    for (size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
    std::vector<int32_t> next(begins_.begin(), begins_.end() - 1);
    sorted_.resize(matches.size());
    for (size_t i = 0; i < matches.size(); ++i)
      sorted_[static_cast<size_t>(next[static_cast<size_t>(CellOf(matches[i]))]++)] = static_cast<int32_t>(i);
  }

  // The nearest matches by rising squared distance, at most `count`, without `owner`'s; returns how many.
  int Nearest(float x, float y, int64_t owner, int count, float* distance2, int32_t* index) const {
    const int64_t column = Cell(x - left_), row = Cell(y - top_);
    int found = 0;
    const auto look = [&](int64_t r, int64_t c) {
      const auto cell = static_cast<size_t>(r * columns_ + c);
      for (int32_t s = begins_[cell]; s < begins_[cell + 1]; ++s) {
        const int32_t i = sorted_[static_cast<size_t>(s)];
        const PointMatch& match = matches_[static_cast<size_t>(i)];
        const float dx = match.x0 - x, dy = match.y0 - y;
        if (match.owner != owner)
          found = InsertNeighbor(dx * dx + dy * dy, i, found, count, distance2, index);
      }
    };
    // Square rings of cells around the point's, from the first that has any.
    const int64_t beside[] = {-column, -row, column - (columns_ - 1), row - (rows_ - 1)};
    const int64_t farthest = std::max({column, row, columns_ - 1 - column, rows_ - 1 - row});
    for (int64_t ring = std::max<int64_t>(0, *std::max_element(beside, beside + 4)); ring <= farthest;
         ++ring) {
      const float reach = static_cast<float>(ring - 1) * side_;  // the rings before have all that is as near
      if (found == count && ring > 0 && distance2[found - 1] <= reach * reach) break;
      for (int64_t r = std::max<int64_t>(0, row - ring); r <= std::min(rows_ - 1, row + ring); ++r) {
        const bool whole = std::abs(r - row) == ring;
        const int64_t step = whole || ring == 0 ? 1 : 2 * ring;
        const int64_t skipped = std::max<int64_t>(0, (step - 1 - column + ring) / step) * step;
        for (int64_t c = column - ring + skipped; c <= std::min(columns_ - 1, column + ring); c += step)
          look(r, c);
      }
    }
    return found;
  }

 private:
  int64_t Cell(float offset) const { return static_cast<int64_t>(std::floor(offset / side_)); }
  int64_t CellOf(const PointMatch& match) const {
    return Cell(match.y0 - top_) * columns_ + Cell(match.x0 - left_);
  }

  const std::vector<PointMatch>& matches_;
  float left_ = 0, top_ = 0, side_ = 1;
  int64_t columns_ = 1, rows_ = 1;
  std::vector<int32_t> begins_, sorted_;  // of the cells, row by row; indices of matches
};

Neighbors FindNeighbors(const float* points, int64_t n, const std::vector<PointMatch>& matches,
                        const LocalFitOptions& o) {
  Neighbors result(std::min(o.num_neighbors, kMostNeighbors), n);
  const MatchGrid grid(matches);
  float distance2[kMostNeighbors];
  int32_t index[kMostNeighbors];
  for (int64_t i = 0; i < n; ++i) {
    const float px = points[2 * i], py = points[2 * i + 1];
    const int found = grid.Nearest(px, py, i, result.count, distance2, index);
    if (found < o.min_neighbors) continue;
    const auto match = [&](int k) -> const PointMatch& { return matches[static_cast<size_t>(index[k])]; };
    SetNeighbors(px, py, found, distance2, match, result.From(i));
  }
  return result;
}

}  // namespace
}  // namespace colmatch

#define COLMATCH_KERNEL "matcher/local_fit-inl.h"
#include "network/foreach_simd.h"

namespace colmatch {

FittedPlaces FitPlacesWith(int lanes, const float* points, int64_t n, const std::vector<PointMatch>& matches,
                           const LocalFitOptions& options) {
  FittedPlaces places;
  const auto resize = [&](int64_t size) {
    for (auto* values : {&places.x, &places.y, &places.precision}) values->resize(static_cast<size_t>(size));
  };
  if (!matches.empty()) {
    Neighbors neighbors = FindNeighbors(points, n, matches, options);
    resize(neighbors.stride);
    simd::ForLanes(lanes, x4::FitAll, x8::FitAll, x16::FitAll)(neighbors, options, places);
  }
  resize(n);
  return places;
}

FittedPlaces FitPlaces(const float* points, int64_t n, const std::vector<PointMatch>& matches,
                       const LocalFitOptions& options) {
  static const int lanes = simd::BestLanes();
  return FitPlacesWith(lanes, points, n, matches, options);
}

void GuideRowWith(int lanes, const float* scores, const GuidedRow& row, const GuidedColumns& columns,
                  const GuidanceStrength& strength, float* guided) {
  simd::ForLanes(lanes, x4::GuideRow, x8::GuideRow, x16::GuideRow)(scores, row, columns, strength, guided);
}

void GuideRow(const float* scores, const GuidedRow& row, const GuidedColumns& columns,
              const GuidanceStrength& strength, float* guided) {
  static const int lanes = simd::BestLanes();
  GuideRowWith(lanes, scores, row, columns, strength, guided);
}

}  // namespace colmatch
