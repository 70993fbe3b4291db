// The homography protocol, SuperGlue's own (Sarlin 2020, section 5.1 and appendix E): two warps of one photo,
// 512 keypoints, 640 x 480 pixels.
#pragma once

#include <vector>

#include "evaluation/homography_estimation.h"
#include "evaluation/summary.h"

namespace colmatch {

struct HomographyProtocolOptions {
  double correct_px = 3;  // reprojection error of a correct match is below this
  RansacOptions ransac;
};

// Measures: num_matches, num_correct, num_places (distinct places of the correct matches in image 0),
// num_possible (true correspondences: keypoints that are each other's nearest and closer than correct_px),
// num_found (those whose keypoint of image 0 has a correct match), precision (0 without matches), recall
// (found over possible; absent where nothing is possible), error_ransac and error_dlt (mean distance of the
// four corner pixels, px), localization_error (mean reprojection error of the correct matches, px),
// repeatability and repeatability_error (within correct_px).
Measures MeasureHomographyPair(const HomographyPair& pair, const HomographyProtocolOptions& options = {});

std::vector<Statistic> HomographyStatistics();

}  // namespace colmatch
