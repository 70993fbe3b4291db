// Homography metrics; see homography_metrics.h.
#include "evaluation/homography_metrics.h"

#include <cmath>
#include <limits>
#include <opencv2/calib3d.hpp>

#include "evaluation/auc.h"

namespace colmatch {
namespace {

cv::Point2d Apply(const cv::Matx33d& h, const cv::Point2d& p) {
  const cv::Vec3d q = h * cv::Vec3d(p.x, p.y, 1);
  return {q[0] / q[2], q[1] / q[2]};
}

double CornerError(const cv::Mat& estimated, const HomographyPair& pair) {
  if (estimated.empty() || !cv::checkRange(estimated)) return std::numeric_limits<double>::infinity();
  const cv::Matx33d h(estimated);
  const double w = pair.width - 1.0, b = pair.height - 1.0;
  double sum = 0;
  for (const cv::Point2d& corner :
       {cv::Point2d(0, 0), cv::Point2d(w, 0), cv::Point2d(w, b), cv::Point2d(0, b)}) {
    const cv::Point2d difference = Apply(h, corner) - Apply(pair.h1_from_0, corner);
    sum += std::hypot(difference.x, difference.y);
  }
  return std::isfinite(sum) ? sum / 4 : std::numeric_limits<double>::infinity();
}

}  // namespace

HomographyResult EvaluateHomographyPair(const HomographyPair& pair, const HomographyMetricOptions& options) {
  HomographyResult result;
  result.num_matches = static_cast<int>(pair.matches.size());
  result.num_possible = pair.num_possible;
  std::vector<cv::Point2f> points0, points1;
  for (const auto& [i, j] : pair.matches) {
    points0.push_back(pair.keypoints0[i]);
    points1.push_back(pair.keypoints1[j]);
    const cv::Point2d difference = Apply(pair.h1_from_0, points0.back()) - cv::Point2d(points1.back());
    const double error = std::hypot(difference.x, difference.y);
    if (error >= options.correct_px) continue;
    ++result.num_correct;
    result.localization_error_px += error;
  }
  if (result.num_correct > 0) result.localization_error_px /= result.num_correct;
  if (result.num_matches > 0) result.precision = static_cast<double>(result.num_correct) / result.num_matches;
  if (result.num_possible > 0)
    result.recall = std::min(1.0, static_cast<double>(result.num_correct) / result.num_possible);
  cv::Mat ransac, dlt;
  if (points0.size() >= 4) {
    ransac = cv::findHomography(points0, points1, cv::RANSAC, options.ransac_threshold_px, cv::noArray(),
                                options.ransac_iterations);
    dlt = cv::findHomography(points0, points1, 0);
  }
  result.error_ransac = CornerError(ransac, pair);
  result.error_dlt = CornerError(dlt, pair);
  return result;
}

HomographySummary Summarize(const std::vector<HomographyResult>& results) {
  HomographySummary summary;
  summary.num_pairs = static_cast<int>(results.size());
  if (results.empty()) return summary;
  std::vector<double> ransac, dlt;
  int with_correct = 0;
  for (const HomographyResult& result : results) {
    summary.precision += result.precision / static_cast<double>(results.size());
    summary.recall += result.recall / static_cast<double>(results.size());
    summary.mean_matches += result.num_matches / static_cast<double>(results.size());
    summary.localization_error_px += result.localization_error_px;
    with_correct += result.num_correct > 0;
    summary.num_failed += std::isinf(result.error_ransac);
    ransac.push_back(result.error_ransac);
    dlt.push_back(result.error_dlt);
  }
  if (with_correct > 0) summary.localization_error_px /= with_correct;
  summary.auc_ransac_3 = AreaUnderCurve(ransac, 3);
  summary.auc_ransac_5 = AreaUnderCurve(ransac, 5);
  summary.auc_ransac_10 = AreaUnderCurve(ransac, 10);
  summary.auc_dlt_3 = AreaUnderCurve(dlt, 3);
  summary.auc_dlt_5 = AreaUnderCurve(dlt, 5);
  summary.auc_dlt_10 = AreaUnderCurve(dlt, 10);
  return summary;
}

}  // namespace colmatch
