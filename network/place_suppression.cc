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

// Keypoints in square cells as wide as the radius: neighbours lie in the cell itself or beside it.
class PlaceGrid {
 public:
  // xy: (N, 2) pixels, which must outlive the grid.
  PlaceGrid(const float* xy, double radius) : xy_(xy), radius_(radius) {}

  void Add(int64_t i) { cells_[Key(Cell(xy_[2 * i]), Cell(xy_[2 * i + 1]))].push_back(i); }

  // The added keypoints closer than the radius to keypoint i, itself included.
  std::vector<int64_t> Near(int64_t i) const {
    std::vector<int64_t> near;
    const int64_t column = Cell(xy_[2 * i]), row = Cell(xy_[2 * i + 1]);
    for (int64_t r = row - 1; r <= row + 1; ++r) {
      for (int64_t c = column - 1; c <= column + 1; ++c) {
        const auto cell = cells_.find(Key(c, r));
        if (cell == cells_.end()) continue;
        for (const int64_t other : cell->second)
          if (Distance(i, other) < radius_) near.push_back(other);
      }
    }
    return near;
  }

  double Distance(int64_t i, int64_t j) const {
    return std::hypot(xy_[2 * i] - xy_[2 * j], xy_[2 * i + 1] - xy_[2 * j + 1]);
  }

 private:
  int64_t Cell(float coordinate) const { return static_cast<int64_t>(std::floor(coordinate / radius_)); }
  static int64_t Key(int64_t column, int64_t row) { return row * (int64_t{1} << 32) + column; }

  const float* xy_;
  double radius_;
  std::unordered_map<int64_t, std::vector<int64_t>> cells_;
};

// Of the keypoints at i's place that of the finest level, of several the nearest.
int64_t FinestOfPlace(const PlaceGrid& all, const float* scales, int64_t i) {
  int64_t finest = i;
  double distance = 0;
  for (const int64_t j : all.Near(i)) {
    const double to = all.Distance(i, j);
    if (scales[j] > scales[finest] || (scales[j] == scales[finest] && to >= distance)) continue;
    finest = j;
    distance = to;
  }
  return finest;
}

// Positions of the kept keypoints as the finest level of their place has them.
torch::Tensor FinestPositions(const torch::Tensor& keypoints, const torch::Tensor& all_scales, double radius,
                              const std::vector<int64_t>& kept) {
  const auto scales = all_scales.to(torch::kCPU, torch::kFloat).contiguous();
  PlaceGrid all(keypoints.data_ptr<float>(), radius);
  for (int64_t i = 0; i < keypoints.size(0); ++i) all.Add(i);
  std::vector<int64_t> finest;
  finest.reserve(kept.size());
  for (const int64_t i : kept) finest.push_back(FinestOfPlace(all, scales.data_ptr<float>(), i));
  return keypoints.index_select(0, torch::tensor(finest, torch::kLong));
}

}  // namespace

Features OneFeaturePerPlace(const Features& features, double radius_px, int max_num_features) {
  if (radius_px <= 0 || features.size() == 0) return StrongestFeatures(features, max_num_features);
  const auto order = features.scores.cpu().argsort(/*stable=*/true, 0, /*descending=*/true);
  const auto keypoints = features.keypoints.to(torch::kCPU, torch::kFloat).contiguous();
  const int64_t* const strongest_first = order.data_ptr<int64_t>();
  const auto most = max_num_features > 0 ? static_cast<size_t>(max_num_features) : SIZE_MAX;
  PlaceGrid places(keypoints.data_ptr<float>(), radius_px);
  std::vector<int64_t> kept;
  for (int64_t k = 0; k < features.size() && kept.size() < most; ++k) {
    const int64_t i = strongest_first[k];
    if (!places.Near(i).empty()) continue;
    places.Add(i);
    kept.push_back(i);
  }
  Features result =
      SelectFeatures(features, torch::tensor(kept, torch::kLong).to(features.keypoints.device()));
  if (features.scales.defined())
    result.keypoints = FinestPositions(keypoints, features.scales, radius_px, kept).to(features.keypoints);
  return result;
}

}  // namespace colmatch
