// Our features and COLMAP's rows. The only half-pixel shift of the product is here: inside colmatch the first
// pixel's centre is (0, 0), in COLMAP's database it is (0.5, 0.5).
#pragma once

#include <Eigen/Core>
#include <vector>

#include "matcher/matched_list.h"
#include "util/colmap_types.h"

namespace colmatch {

inline constexpr double kColmapPixelShift = 0.5;  // ours + shift = COLMAP's

KeypointsBlob KeypointsForColmap(const Features& features);
Descriptors DescriptorsForColmap(const Features& features);  // (D, N) tensor to rows
std::vector<float> ScoresForColmap(const Features& features);

// What was written back to features; width and height are the photo's.
Features FeaturesFromColmap(const KeypointsBlob& keypoints, const Descriptors& descriptors,
                            const std::vector<float>& scores, int64_t width, int64_t height);

// Pixels in COLMAP's convention, for the geometry.
std::vector<Eigen::Vector2d> PointsInColmap(const KeypointsBlob& keypoints);

Matches MatchesForColmap(const std::vector<MatchedPair>& pairs);

}  // namespace colmatch
