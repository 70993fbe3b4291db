// The pose protocol: relative pose, as SuperGlue's match_pairs.py measures it (Sarlin 2020, section 5.2).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/matched_pair.h"
#include "evaluation/summary.h"

namespace colmatch {

// A line of a pairs_with_gt.txt: two names, two rotations by EXIF (quarter turns), K0, K1 (pixels), and the
// 4 x 4 transformation from camera 0 to camera 1, row by row: 38 columns.
struct PosePairTruth {
  std::string name0, name1;
  int rotation0 = 0, rotation1 = 0;
  cv::Matx33d k0, k1;
  cv::Matx33d rotation;  // x_in_cam1 = rotation * x_in_cam0 + translation
  cv::Vec3d translation;
};

// Throws InputError naming file and line for a line that is not one of these, UsageError where there is no
// file or no line.
std::vector<PosePairTruth> ReadPosePairs(const std::filesystem::path& path);

struct PosePair : MatchedPair2d {
  PosePairTruth truth;  // k0 and k1 in the keypoints' pixels
};

struct PoseProtocolOptions {
  double epipolar_threshold =
      5e-4;                        // of a right match: squared symmetric epipolar distance, normalised points
  double ransac_threshold_px = 1;  // over the mean focal length
  double ransac_confidence = 0.99999;
};

// Squared symmetric epipolar distance of each match, in normalised coordinates.
std::vector<double> EpipolarErrors(const PosePair& pair);

// Measures: num_matches, num_correct, precision (0 without matches), matching_score (correct over keypoints
// of image 0), error_pose (the larger of rotation's and translation's angle, degrees; infinite where fewer
// than five matches or no pose), error_rotation, error_translation (the smaller of t and 180 - t, degrees).
Measures MeasurePosePair(const PosePair& pair, const PoseProtocolOptions& options = {});

std::vector<Statistic> PoseStatistics();

}  // namespace colmatch
