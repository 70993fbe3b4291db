// Spatial pairs; see spatial_pairs.h.
#include "plugin/pairs/spatial_pairs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "util/error.h"

namespace colmatch {
namespace {

using System = PositionPrior::System;

// The metres of a prior, or why it is not used.
struct Placed {
  Eigen::Vector3d position;
  std::string reason;  // empty: the position is good
};

bool IsLatitudeAndLongitude(const std::array<double, 3>& p) {
  return std::abs(p[0]) <= 90 && std::abs(p[1]) <= 360;
}

Placed Place(const PositionPrior& prior, bool is_gps, bool ignore_z) {
  auto p = prior.position;
  if (ignore_z) p[2] = 0;
  if (!std::isfinite(p[2]))
    return {{}, "has a position without altitude; SpatialMatching.ignore_z 1 uses it"};
  if (prior.system == System::kNotStated && p[0] == 0 && p[1] == 0 && p[2] == 0)
    return {{}, "has the position 0, 0, which COLMAP 3.8 writes for images without one"};
  if (!is_gps) return {{p[0], p[1], p[2]}, ""};
  if (!IsLatitudeAndLongitude(p)) {
    return {{},
            "has the position " + std::to_string(p[0]) + ", " + std::to_string(p[1]) +
                ", which is no latitude and longitude; if these are metres: SpatialMatching.is_gps 0"};
  }
  return {EcefFromWgs84(p[0], p[1], p[2]), ""};
}

}  // namespace

void SpatialOptions::Validate() const {
  kMaxNumNeighbors.Require(max_num_neighbors);
  Bounds<int>{kMinNumNeighbors.bounds.low, max_num_neighbors}.Require(kMinNumNeighbors.name(),
                                                                      min_num_neighbors);
  kMaxDistance.Require(max_distance);
  if (max_distance == 0 && min_num_neighbors == 0)
    throw UsageError(
        "--SpatialMatching.max_distance 0 leaves no pairs; give SpatialMatching.min_num_neighbors");
}

Eigen::Vector3d EcefFromWgs84(double latitude_deg, double longitude_deg, double altitude_m) {
  constexpr double kSemiMajorAxis = 6378137.0, kFlattening = 1 / 298.257223563;
  constexpr double kSquaredEccentricity = kFlattening * (2 - kFlattening);
  constexpr double kRadians = 3.14159265358979323846 / 180;
  const double latitude = latitude_deg * kRadians, longitude = longitude_deg * kRadians;
  const double sin_latitude = std::sin(latitude);
  const double normal = kSemiMajorAxis / std::sqrt(1 - kSquaredEccentricity * sin_latitude * sin_latitude);
  const double from_axis = (normal + altitude_m) * std::cos(latitude);
  return {from_axis * std::cos(longitude), from_axis * std::sin(longitude),
          (normal * (1 - kSquaredEccentricity) + altitude_m) * sin_latitude};
}

std::vector<ImagePair> NearestPairs(const std::vector<Eigen::Vector3d>& positions,
                                    const SpatialOptions& options) {
  options.Validate();
  const auto n = static_cast<int>(positions.size());
  const Eigen::Map<const Eigen::Matrix3Xd> all(positions.empty() ? nullptr : positions[0].data(), 3, n);
  const double max_squared = options.max_distance * options.max_distance;
  const auto wanted_at_least = static_cast<size_t>(std::min(options.min_num_neighbors, std::max(0, n - 1)));
  std::vector<ImagePair> pairs;
  std::vector<std::pair<double, int>> near;  // squared distance, index
  Eigen::RowVectorXd squared(n);
  for (int i = 0; i < n; ++i) {
    squared = (all.colwise() - all.col(i)).colwise().squaredNorm();
    const auto collect = [&](double limit) {
      near.clear();
      for (int j = 0; j < n; ++j) {
        if (j != i && squared[j] <= limit) near.emplace_back(squared[j], j);
      }
      return near.size();
    };
    auto count = std::min(collect(max_squared), static_cast<size_t>(options.max_num_neighbors));
    if (count < wanted_at_least) {
      collect(std::numeric_limits<double>::infinity());
      count = wanted_at_least;
    }
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(count), near.end());
    for (size_t k = 0; k < count; ++k) pairs.emplace_back(i, near[k].second);
  }
  return pairs;
}

std::vector<ImagePair> SpatialPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                    const SpatialOptions& options,
                                    std::vector<ImageWithoutPosition>& without) {
  options.Validate();
  std::vector<int> indices;
  std::vector<Eigen::Vector3d> positions;
  size_t num_gps = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto prior = database.ReadPositionPrior(images[i].image_id);
    if (!prior) {
      without.push_back({images[i].name, "has no position (GPS) in the database"});
      continue;
    }
    const bool is_gps =
        prior->system == System::kNotStated ? options.is_gps : prior->system == System::kWgs84;
    const Placed placed = Place(*prior, is_gps, options.ignore_z);
    if (!placed.reason.empty()) {
      without.push_back({images[i].name, placed.reason});
      continue;
    }
    num_gps += is_gps;
    indices.push_back(static_cast<int>(i));
    positions.push_back(placed.position);
  }
  if (positions.empty() && !images.empty()) {
    throw InputError(database.path() + ": none of the " + std::to_string(images.size()) +
                     " images has a position that can be used (" + without[0].name + " " + without[0].reason +
                     "); spatial_matcher needs GPS in the photos' EXIF or pose priors. Use "
                     "sequential_matcher or exhaustive_matcher");
  }
  if (num_gps != 0 && num_gps != positions.size()) {
    throw InputError(database.path() + " holds " + std::to_string(num_gps) + " positions as GPS and " +
                     std::to_string(positions.size() - num_gps) +
                     " as cartesian metres, which cannot be compared; give all images the same kind");
  }
  std::vector<ImagePair> pairs = NearestPairs(positions, options);
  for (auto& [i, j] : pairs) i = indices[i], j = indices[j];
  return pairs;
}

}  // namespace colmatch
