// Homography estimates; see homography_estimation.h.
#include "evaluation/homography_estimation.h"

#include <cmath>
#include <limits>
#include <opencv2/calib3d.hpp>

namespace colmatch {
namespace {

// Moves the points' mean to the origin and makes their mean distance from it sqrt(2).
cv::Matx33d Normalization(const std::vector<cv::Point2f>& points) {
  cv::Point2d mean;
  for (const auto& p : points) mean += cv::Point2d(p) * (1.0 / static_cast<double>(points.size()));
  double distance = 0;
  for (const auto& p : points)
    distance += cv::norm(cv::Point2d(p) - mean) / static_cast<double>(points.size());
  const double s = std::sqrt(2.0) / std::max(distance, 1e-12);
  return {s, 0, -s * mean.x, 0, s, -s * mean.y, 0, 0, 1};
}

// Of each point the distance to its nearest; the index where there is one, -1 without points.
struct Nearest {
  std::vector<int> index;
  std::vector<double> distance;
};
Nearest NearestOf(const std::vector<cv::Point2d>& points, const std::vector<cv::Point2f>& others) {
  Nearest nearest;
  for (const auto& p : points) {
    int best = -1;
    double least = std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < others.size(); ++j) {
      const double dx = p.x - others[j].x, dy = p.y - others[j].y, squared = dx * dx + dy * dy;
      if (squared < least) least = squared, best = static_cast<int>(j);
    }
    nearest.index.push_back(best);
    nearest.distance.push_back(std::sqrt(least));
  }
  return nearest;
}

std::vector<cv::Point2d> Warped(const std::vector<cv::Point2f>& points, const cv::Matx33d& h) {
  std::vector<cv::Point2d> warped;
  for (const auto& p : points) warped.push_back(ApplyHomography(h, p));
  return warped;
}

bool IsInside(const cv::Point2d& p, const cv::Size& size) {
  return p.x >= 0 && p.y >= 0 && p.x <= size.width - 1 && p.y <= size.height - 1;
}

}  // namespace

cv::Point2d ApplyHomography(const cv::Matx33d& h, const cv::Point2d& p) {
  const cv::Vec3d q = h * cv::Vec3d(p.x, p.y, 1);
  return {q[0] / q[2], q[1] / q[2]};
}

PointLists MatchedPoints(const MatchedPair2d& pair) {
  PointLists points;
  for (const IndexMatch& match : pair.matches) {
    points.points0.push_back(pair.keypoints0[match.index0]);
    points.points1.push_back(pair.keypoints1[match.index1]);
  }
  return points;
}

cv::Mat RansacHomography(const PointLists& points, const RansacOptions& options) {
  if (points.points0.size() < 4) return {};
  return cv::findHomography(points.points0, points.points1, cv::RANSAC, options.threshold_px, cv::noArray(),
                            options.max_iterations, options.confidence);
}

cv::Mat LeastSquaresHomography(const PointLists& points) {
  if (points.points0.size() < 4) return {};
  return cv::findHomography(points.points0, points.points1, 0);
}

cv::Mat WeightedDlt(const PointLists& points, const std::vector<double>& weights) {
  const auto n = static_cast<int>(points.points0.size());
  if (n < 4) return {};
  const cv::Matx33d t0 = Normalization(points.points0), t1 = Normalization(points.points1);
  cv::Matx<double, 9, 9> normal = cv::Matx<double, 9, 9>::zeros();
  for (int i = 0; i < n; ++i) {
    const cv::Point2d p = ApplyHomography(t0, points.points0[i]), q = ApplyHomography(t1, points.points1[i]);
    const cv::Matx<double, 1, 9> rows[2] = {
        {0, 0, 0, -p.x, -p.y, -1, q.y * p.x, q.y * p.y, q.y},
        {p.x, p.y, 1, 0, 0, 0, -q.x * p.x, -q.x * p.y, -q.x},
    };
    for (const auto& row : rows) normal += row.t() * row * weights[i];
  }
  cv::Mat values, vectors;
  if (!cv::eigen(cv::Mat(normal), values, vectors)) return {};
  const cv::Matx33d h(vectors.ptr<double>(8));
  const cv::Mat estimate(t1.inv() * h * t0);
  return estimate / estimate.at<double>(2, 2);
}

double MeanCornerError(const cv::Mat& estimate, const cv::Matx33d& truth,
                       const std::array<cv::Point2d, 4>& corners) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  if (estimate.empty() || !cv::checkRange(estimate)) return kNone;
  const cv::Matx33d h(estimate);
  double sum = 0;
  for (const cv::Point2d& corner : corners)
    sum += cv::norm(ApplyHomography(h, corner) - ApplyHomography(truth, corner));
  return std::isfinite(sum) ? sum / 4 : kNone;
}

std::array<cv::Point2d, 4> CornerPixels(const cv::Size& size) {
  return CornersByExtent({size.width - 1, size.height - 1});
}

std::array<cv::Point2d, 4> CornersByExtent(const cv::Size& size) {
  const double w = size.width, h = size.height;
  return {cv::Point2d(0, 0), cv::Point2d(w, 0), cv::Point2d(w, h), cv::Point2d(0, h)};
}

std::vector<size_t> TrueCorrespondences(const HomographyPair& pair, double radius_px) {
  const auto in_1 = Warped(pair.keypoints0, pair.h1_from_0);
  const std::vector<cv::Point2f> seen(in_1.begin(), in_1.end());
  const std::vector<cv::Point2d> there(pair.keypoints1.begin(), pair.keypoints1.end());
  const Nearest of_0 = NearestOf(in_1, pair.keypoints1), of_1 = NearestOf(there, seen);
  std::vector<size_t> true_ones;
  for (size_t i = 0; i < in_1.size(); ++i) {
    const int j = of_0.index[i];
    if (j >= 0 && of_0.distance[i] < radius_px && of_1.index[j] == static_cast<int>(i))
      true_ones.push_back(i);
  }
  return true_ones;
}

Repeatability MeasureRepeatability(const HomographyPair& pair, double radius_px) {
  const auto in_1 = Warped(pair.keypoints0, pair.h1_from_0),
             in_0 = Warped(pair.keypoints1, pair.h1_from_0.inv());
  const Nearest of_0 = NearestOf(in_1, pair.keypoints1), of_1 = NearestOf(in_0, pair.keypoints0);
  Repeatability result;
  int found = 0;
  for (size_t i = 0; i < in_1.size(); ++i) {
    if (!IsInside(in_1[i], pair.size1)) continue;
    ++result.num_common;
    found += of_0.distance[i] <= radius_px;
  }
  for (size_t j = 0; j < in_0.size(); ++j) {
    if (!IsInside(in_0[j], pair.size0)) continue;
    ++result.num_common;
    found += of_1.distance[j] <= radius_px;
  }
  for (size_t i = 0; i < in_1.size(); ++i) {
    const int j = of_0.index[i];
    if (j < 0 || of_0.distance[i] > radius_px || of_1.index[j] != static_cast<int>(i)) continue;
    ++result.num_repeated;
    result.localization_error_px += of_0.distance[i];
  }
  if (result.num_common > 0) result.share = static_cast<double>(found) / result.num_common;
  if (result.num_repeated > 0) result.localization_error_px /= result.num_repeated;
  return result;
}

}  // namespace colmatch
