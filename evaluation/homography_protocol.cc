// The homography protocol; see homography_protocol.h.
#include "evaluation/homography_protocol.h"

#include "evaluation/places.h"

namespace colmatch {

Measures MeasureHomographyPair(const HomographyPair& pair, const HomographyProtocolOptions& options) {
  const PointLists points = MatchedPoints(pair);
  const auto num_matches = static_cast<double>(points.points0.size());
  double num_correct = 0, error_sum = 0;
  std::vector<char> is_right(pair.keypoints0.size());  // keypoints of image 0 that have a correct match
  std::vector<cv::Point2f> right_points;
  for (size_t i = 0; i < points.points0.size(); ++i) {
    const double error =
        cv::norm(ApplyHomography(pair.h1_from_0, points.points0[i]) - cv::Point2d(points.points1[i]));
    if (error >= options.correct_px) continue;
    ++num_correct;
    error_sum += error;
    is_right[pair.matches[i].index0] = 1;
    right_points.push_back(points.points0[i]);
  }
  Measures m;
  m["num_matches"] = num_matches;
  m["num_correct"] = num_correct;
  m["num_places"] = CountPlaces(right_points);
  double num_possible = 0, num_found = 0;
  for (const size_t i : TrueCorrespondences(pair, options.correct_px)) {
    ++num_possible;
    num_found += is_right[i];
  }
  m["num_possible"] = num_possible;
  m["num_found"] = num_found;
  m["precision"] = num_matches > 0 ? num_correct / num_matches : 0;
  if (num_possible > 0) m["recall"] = num_found / num_possible;
  if (num_correct > 0) m["localization_error"] = error_sum / num_correct;
  const auto corners = CornerPixels(pair.size0);
  m["error_ransac"] = MeanCornerError(RansacHomography(points, options.ransac), pair.h1_from_0, corners);
  m["error_dlt"] = MeanCornerError(LeastSquaresHomography(points), pair.h1_from_0, corners);
  const Repeatability repeatability = MeasureRepeatability(pair, options.correct_px);
  if (repeatability.num_common > 0) m["repeatability"] = repeatability.share;
  if (repeatability.num_repeated > 0) m["repeatability_error"] = repeatability.localization_error_px;
  return m;
}

std::vector<Statistic> HomographyStatistics() {
  using Kind = Statistic::Kind;
  std::vector<Statistic> statistics = {
      {"precision", "", "precision", "precision", Kind::kMean, 0, 100},
      {"recall", "", "recall", "recall", Kind::kMean, 0, 100},
  };
  for (const double t : {3.0, 5.0, 10.0}) {
    const std::string text = std::to_string(static_cast<int>(t));
    statistics.push_back({"auc_ransac", text, "RANSAC@" + text, "error_ransac", Kind::kAuc, t, 100});
  }
  for (const double t : {3.0, 5.0, 10.0}) {
    const std::string text = std::to_string(static_cast<int>(t));
    statistics.push_back({"auc_dlt", text, "DLT@" + text, "error_dlt", Kind::kAuc, t, 100});
  }
  statistics.push_back({"mean_matches", "", "matches", "num_matches", Kind::kMean, 0, 1});
  statistics.push_back({"mean_places", "", "right places", "num_places", Kind::kMean, 0, 1});
  statistics.push_back({"localization_error_px", "", "error px", "localization_error", Kind::kMean, 0, 1});
  statistics.push_back({"repeatability", "", "repeatability", "repeatability", Kind::kMean, 0, 100});
  statistics.push_back(
      {"repeatability_error_px", "", "rep. error px", "repeatability_error", Kind::kMean, 0, 1});
  return statistics;
}

}  // namespace colmatch
