// Protocol A, SuperGlue's own (Sarlin 2020, section 5.1 and appendix E): two warps of one photo, 512
// keypoints, 640 x 480 pixels.
#pragma once

#include <vector>

#include "evaluation/homography_estimation.h"
#include "evaluation/summary.h"

namespace colmatch {

struct HomographyProtocolOptions {
  double correct_px = 3;  // reprojection error of a correct match is below this
  RansacOptions ransac;
};

// num_possible: ground-truth matches of the pair. Measures: num_matches, num_correct, num_possible, precision
// (0 without matches), recall (absent where nothing is possible), error_ransac and error_dlt (mean distance
// of the four corner pixels, px), localization_error (mean reprojection error of the correct matches, px),
// repeatability and repeatability_error (within correct_px).
Measures MeasureHomographyPair(const HomographyPair& pair, int num_possible,
                               const HomographyProtocolOptions& options = {});

std::vector<Statistic> HomographyStatistics();

}  // namespace colmatch
