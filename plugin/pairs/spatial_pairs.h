// Pairs of photos taken near each other: `colmatch spatial_matcher`.
#pragma once

#include <Eigen/Core>
#include <limits>
#include <string>
#include <vector>

#include "plugin/pairs/pair_source.h"
#include "util/option_declaration.h"

namespace colmatch {

// Names and defaults are those of COLMAP's --SpatialMatching.*.
struct SpatialOptions {
  bool is_gps = true;    // what the positions of COLMAP 3.8's files are; later files say so themselves
  bool ignore_z = true;  // leave altitudes out
  int max_num_neighbors = 50;
  int min_num_neighbors = 0;  // however far they are
  double max_distance = 100;  // metres

  static constexpr Declaration<int> kMaxNumNeighbors{
      "--SpatialMatching.max_num_neighbors",
      "maximum number of nearby photos that each is matched with",
      {1}};
  static constexpr Declaration<int> kMinNumNeighbors{
      // at most max_num_neighbors
      "--SpatialMatching.min_num_neighbors",
      "minimum number of photos that each is matched with, however far",
      {0}};
  static constexpr Declaration<double> kMaxDistance{"--SpatialMatching.max_distance",
                                                    "maximum distance of a near photo, metres",
                                                    {0, std::numeric_limits<double>::max(), "metres"}};
  void Validate() const;  // Throws UsageError naming option, value and range.
};

// Degrees and metres over WGS84's ellipsoid to metres from the Earth's centre, as COLMAP's GPSTransform.
Eigen::Vector3d EcefFromWgs84(double latitude_deg, double longitude_deg, double altitude_m);

// Each position with its nearest others: at most max_num_neighbors, of those within max_distance, and
// min_num_neighbors in any case. Exact; of others at the same distance the one that comes first is nearer. A
// pair may come twice. O(n^2) time, memory linear in n.
std::vector<ImagePair> NearestPairs(const std::vector<Eigen::Vector3d>& positions,
                                    const SpatialOptions& options);

struct ImageWithoutPosition {
  std::string name, reason;
};

// NearestPairs of the images whose position the database holds; the others are named. A position of zeros in
// COLMAP 3.8's columns is none, as COLMAP reads it. Throws InputError if no image has a position, or if some
// are GPS and some are cartesian.
std::vector<ImagePair> SpatialPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                    const SpatialOptions& options,
                                    std::vector<ImageWithoutPosition>& without);

}  // namespace colmatch
