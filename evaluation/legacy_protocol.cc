// The legacy homography protocol; see legacy_protocol.h.
#include "evaluation/legacy_protocol.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <opencv2/imgproc.hpp>

namespace colmatch {
namespace {

// Of each free one of `from` the nearest free one of `to`, -1 where there is none.
std::vector<int> NearestFree(const std::vector<cv::Point2d>& from, const std::vector<char>& from_taken,
                             const std::vector<cv::Point2d>& to, const std::vector<char>& to_taken) {
  std::vector<int> nearest(from.size(), -1);
  for (size_t i = 0; i < from.size(); ++i) {
    if (from_taken[i]) continue;
    double least = std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < to.size(); ++j) {
      const double distance = to_taken[j] ? least : cv::norm(from[i] - to[j]);
      if (distance < least) least = distance, nearest[i] = static_cast<int>(j);
    }
  }
  return nearest;
}

// The exact homography of the four most confident matches.
cv::Mat FourMostConfident(const MatchedPair2d& pair, const PointLists& points) {
  std::vector<size_t> order(pair.matches.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return pair.matches[a].confidence > pair.matches[b].confidence;
  });
  std::vector<cv::Point2f> from, to;
  for (size_t k = 0; k < 4; ++k) {
    from.push_back(points.points0[order[k]]);
    to.push_back(points.points1[order[k]]);
  }
  return cv::getPerspectiveTransform(from, to);
}

}  // namespace

std::vector<int> LegacyGroundTruth(const HomographyPair& pair, const LegacyProtocolOptions& options) {
  std::vector<cv::Point2d> projected, there(pair.keypoints1.begin(), pair.keypoints1.end());
  for (const auto& p : pair.keypoints0) projected.push_back(ApplyHomography(pair.h1_from_0, p));
  std::vector<char> taken0(projected.size()), taken1(there.size());
  std::vector<int> truth(projected.size(), -1);
  for (int round = 0; round < options.num_rounds; ++round) {
    const auto of_0 = NearestFree(projected, taken0, there, taken1),
               of_1 = NearestFree(there, taken1, projected, taken0);
    for (size_t i = 0; i < projected.size(); ++i) {
      const int j = of_0[i];
      if (j < 0 || of_1[j] != static_cast<int>(i)) continue;
      if (cv::norm(projected[i] - there[j]) >= options.correct_px) continue;
      truth[i] = j;
      taken0[i] = taken1[j] = 1;
    }
  }
  return truth;
}

std::optional<Measures> MeasureLegacyPair(const HomographyPair& pair, const LegacyProtocolOptions& options) {
  if (pair.matches.size() < std::max<size_t>(4, options.min_matches)) return std::nullopt;
  const std::vector<int> truth = LegacyGroundTruth(pair, options);
  std::vector<char> matched(pair.keypoints0.size());
  double right = 0, missed = 0;
  for (const IndexMatch& match : pair.matches) {
    matched[match.index0] = 1;
    right += truth[match.index0] == match.index1;
  }
  for (size_t i = 0; i < truth.size(); ++i) missed += truth[i] >= 0 && !matched[i];
  const PointLists points = MatchedPoints(pair);
  const auto corners = CornersByExtent(pair.size0);
  Measures m;
  m["num_matches"] = static_cast<double>(pair.matches.size());
  m["precision"] = right / m["num_matches"];
  if (right + missed > 0) m["recall"] = right / (right + missed);
  m["error_dlt"] = MeanCornerError(FourMostConfident(pair, points), pair.h1_from_0, corners);
  m["error_ransac"] = MeanCornerError(RansacHomography(points, {}), pair.h1_from_0, corners);
  return m;
}

std::vector<Statistic> LegacyStatistics() {
  using Kind = Statistic::Kind;
  std::vector<Statistic> statistics = {
      {"precision", "", "precision", "precision", Kind::kMean, 0, 100},
      {"recall", "", "recall", "recall", Kind::kMean, 0, 100},
  };
  for (const double t : {5.0, 10.0, 25.0}) {
    const std::string text = std::to_string(static_cast<int>(t));
    statistics.push_back({"auc_ransac", text, "RANSAC@" + text, "error_ransac", Kind::kAuc, t, 100});
  }
  for (const double t : {5.0, 10.0, 25.0}) {
    const std::string text = std::to_string(static_cast<int>(t));
    statistics.push_back({"auc_dlt", text, "four best@" + text, "error_dlt", Kind::kAuc, t, 100});
  }
  statistics.push_back({"mean_matches", "", "matches", "num_matches", Kind::kMean, 0, 1});
  return statistics;
}

}  // namespace colmatch
