// Suppression across levels; see place_suppression.h.
#include "network/place_suppression.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "network/keypoints.h"

namespace colmatch {
namespace {

struct Point {
  float x, y;
};

// Kept points in square cells as wide as the radius: neighbours lie in the cell itself or beside it.
class PlaceGrid {
 public:
  explicit PlaceGrid(double radius) : radius_(radius) {}

  void Add(Point point) { cells_[Key(Cell(point.x), Cell(point.y))].push_back(point); }

  bool HasWithinRadius(Point point) const {
    for (int64_t row = Cell(point.y) - 1; row <= Cell(point.y) + 1; ++row) {
      for (int64_t column = Cell(point.x) - 1; column <= Cell(point.x) + 1; ++column) {
        const auto cell = cells_.find(Key(column, row));
        if (cell == cells_.end()) continue;
        for (const Point& other : cell->second)
          if (std::hypot(other.x - point.x, other.y - point.y) < radius_) return true;
      }
    }
    return false;
  }

 private:
  int64_t Cell(float coordinate) const { return static_cast<int64_t>(std::floor(coordinate / radius_)); }
  static int64_t Key(int64_t column, int64_t row) { return row * (int64_t{1} << 32) + column; }

  double radius_;
  std::unordered_map<int64_t, std::vector<Point>> cells_;
};

}  // namespace

Features OneFeaturePerPlace(const Features& features, double radius_px, int max_num_features) {
  if (radius_px <= 0 || features.size() == 0) return StrongestFeatures(features, max_num_features);
  const auto order = features.scores.cpu().argsort(/*stable=*/true, 0, /*descending=*/true);
  const auto keypoints =
      features.keypoints.to(torch::kCPU, torch::kFloat).index_select(0, order).contiguous();
  const float* const xy = keypoints.data_ptr<float>();
  const int64_t* const indices = order.data_ptr<int64_t>();
  const auto most = max_num_features > 0 ? static_cast<size_t>(max_num_features) : SIZE_MAX;
  PlaceGrid places(radius_px);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < features.size() && kept.size() < most; ++i) {
    const Point point{xy[2 * i], xy[2 * i + 1]};
    if (places.HasWithinRadius(point)) continue;
    places.Add(point);
    kept.push_back(indices[i]);
  }
  return SelectFeatures(features, torch::tensor(kept, torch::kLong).to(features.keypoints.device()));
}

}  // namespace colmatch
