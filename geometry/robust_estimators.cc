// USAC for the search, then refinement on the inliers for as long as it gains inliers.
#include "geometry/robust_estimators.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <opencv2/calib3d.hpp>
#include <opencv2/core/eigen.hpp>

namespace colmatch {
namespace {

constexpr int kMaxRefinements = 4;

using ErrorFunction = std::function<std::vector<double>(const Eigen::Matrix3d&)>;
using RefitFunction =
    std::function<Eigen::Matrix3d(const Eigen::Matrix3d&, const Points2d&, const Points2d&)>;

// Enough to draw a sample without outliers. COLMAP triples it; USAC's local optimisation makes up for that,
// and five point samples are what verifying a wrong pair costs.
int NumTrials(const RobustOptions& options, int sample_size) {
  const double success = std::pow(options.min_inlier_ratio, sample_size);
  if (success >= 1) return 1;
  const double trials = std::log(1 - options.confidence) / std::log1p(-success);
  return trials < options.max_num_trials ? std::max(1, static_cast<int>(trials)) : options.max_num_trials;
}

cv::UsacParams MakeUsacParams(const RobustOptions& options, int sample_size) {
  cv::UsacParams params;
  params.confidence = options.confidence;
  params.isParallel = false;  // Threads would race for the result.
  // MSAC at COLMAP's threshold; MAGSAC caps its own at 2.5 px and finds other inlier sets.
  params.score = cv::SCORE_METHOD_MSAC;
  params.loMethod = cv::LOCAL_OPTIM_INNER_AND_ITER_LO;
  params.loIterations = 10;
  params.loSampleSize = sample_size == 4 ? 16 : 21;
  params.maxIterations = NumTrials(options, sample_size);
  params.randomGeneratorState = options.random_seed;  // Not cv::setRNGSeed, which is process-wide.
  params.threshold = options.max_error;
  return params;
}

cv::Mat ToMat(const Points2d& points, double scale = 1.0) {
  cv::Mat mat(static_cast<int>(points.size()), 2, CV_64F);
  for (int i = 0; i < mat.rows; ++i) {
    mat.at<double>(i, 0) = scale * points[i].x();
    mat.at<double>(i, 1) = scale * points[i].y();
  }
  return mat;
}

void SelectFinite(const Points2d& points1, const Points2d& points2, Points2d* finite1, Points2d* finite2) {
  for (std::size_t i = 0; i < points1.size(); ++i) {
    if (!points1[i].allFinite() || !points2[i].allFinite()) continue;
    finite1->push_back(points1[i]);
    finite2->push_back(points2[i]);
  }
}

// A 3x3 start value, or zeros if USAC has none. OpenCV asserts inside on some degenerate data: that is "no
// model".
Eigen::Matrix3d Search(const std::function<cv::Mat()>& usac) {
  Eigen::Matrix3d matrix = Eigen::Matrix3d::Zero();
  try {
    const cv::Mat found = usac();
    if (found.rows == 3 && found.cols == 3) cv::cv2eigen(found, matrix);
  } catch (const cv::Exception&) {
    return Eigen::Matrix3d::Zero();
  }
  return matrix.allFinite() ? matrix : Eigen::Matrix3d::Zero();
}

struct Scored {
  RobustModel model;
  double sum_squared = 0;  // over the inliers

  // COLMAP's order: more inliers, then smaller errors.
  bool IsBetterThan(const Scored& other) const {
    if (model.num_inliers != other.model.num_inliers) return model.num_inliers > other.model.num_inliers;
    return sum_squared < other.sum_squared;
  }
};

Scored Count(const Eigen::Matrix3d& matrix, const ErrorFunction& squared_errors, double max_error) {
  Scored scored;
  scored.model.matrix = matrix;
  const std::vector<double> errors = squared_errors(matrix);
  scored.model.is_inlier.resize(errors.size());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const bool is_inlier = errors[i] <= max_error * max_error;
    scored.model.is_inlier[i] = is_inlier;
    scored.model.num_inliers += is_inlier;
    if (is_inlier) scored.sum_squared += errors[i];
  }
  return scored;
}

void SelectInliers(const Points2d& points1, const Points2d& points2, const std::vector<char>& is_inlier,
                   Points2d* inliers1, Points2d* inliers2) {
  for (std::size_t i = 0; i < points1.size(); ++i) {
    if (!is_inlier[i]) continue;
    inliers1->push_back(points1[i]);
    inliers2->push_back(points2[i]);
  }
}

RobustModel Finish(const Eigen::Matrix3d& start, const Points2d& points1, const Points2d& points2,
                   int sample_size, const RobustOptions& options, const ErrorFunction& squared_errors,
                   const RefitFunction& refit) {
  RobustModel failure;
  failure.is_inlier.assign(points1.size(), 0);
  if (start.isZero(0.0)) return failure;
  Scored best = Count(start, squared_errors, options.max_error);
  for (int i = 0; options.refine && i < kMaxRefinements; ++i) {
    // A sample fits itself: refining on it alone says nothing.
    if (best.model.num_inliers <= sample_size) break;
    Points2d inliers1, inliers2;
    SelectInliers(points1, points2, best.model.is_inlier, &inliers1, &inliers2);
    const Eigen::Matrix3d matrix = refit(best.model.matrix, inliers1, inliers2);
    if (matrix.isZero(0.0) || !matrix.allFinite()) break;
    Scored refined = Count(matrix, squared_errors, options.max_error);
    if (!refined.IsBetterThan(best)) break;
    best = std::move(refined);
  }
  best.model.success = best.model.num_inliers >= sample_size;
  return best.model.success ? best.model : failure;
}

}  // namespace

RobustModel RobustFundamental(const Points2d& points1, const Points2d& points2,
                              const RobustOptions& options) {
  constexpr int kSampleSize = 7;
  Points2d finite1, finite2;
  SelectFinite(points1, points2, &finite1, &finite2);
  Eigen::Matrix3d start = Eigen::Matrix3d::Zero();
  if (finite1.size() >= kSampleSize) {
    start = Search([&] {
      return cv::findFundamentalMat(ToMat(finite1), ToMat(finite2), cv::noArray(),
                                    MakeUsacParams(options, kSampleSize));
    });
  }
  return Finish(
      start, points1, points2, kSampleSize, options,
      [&](const Eigen::Matrix3d& matrix) { return SquaredSampsonErrors(matrix, points1, points2); },
      [&](const Eigen::Matrix3d& matrix, const Points2d& inliers1, const Points2d& inliers2) {
        return RefineFundamental(matrix, inliers1, inliers2, options.max_error / 4);
      });
}

RobustModel RobustEssential(const Points2d& normalized1, const Points2d& normalized2,
                            const RobustOptions& options) {
  constexpr int kSampleSize = 5;
  // USAC's constants (grid cells, thresholds) are in pixels: give it pixels of a camera of this focal length.
  constexpr double kFocalLength = 1000.0;
  Points2d finite1, finite2;
  SelectFinite(normalized1, normalized2, &finite1, &finite2);
  Eigen::Matrix3d start = Eigen::Matrix3d::Zero();
  if (finite1.size() >= kSampleSize) {
    start = Search([&] {
      cv::UsacParams params = MakeUsacParams(options, kSampleSize);
      params.threshold = options.max_error * kFocalLength;
      const cv::Mat calibration = (cv::Mat_<double>(3, 3) << kFocalLength, 0, 0, 0, kFocalLength, 0, 0, 0, 1);
      return cv::findEssentialMat(ToMat(finite1, kFocalLength), ToMat(finite2, kFocalLength), calibration,
                                  calibration, cv::noArray(), cv::noArray(), cv::noArray(), params);
    });
  }
  return Finish(
      start, normalized1, normalized2, kSampleSize, options,
      [&](const Eigen::Matrix3d& matrix) { return SquaredSampsonErrors(matrix, normalized1, normalized2); },
      [&](const Eigen::Matrix3d& matrix, const Points2d& inliers1, const Points2d& inliers2) {
        return RefineEssential(matrix, inliers1, inliers2, options.max_error / 4);
      });
}

RobustModel RobustHomography(const Points2d& points1, const Points2d& points2, const RobustOptions& options) {
  constexpr int kSampleSize = 4;
  Points2d finite1, finite2;
  SelectFinite(points1, points2, &finite1, &finite2);
  Eigen::Matrix3d start = Eigen::Matrix3d::Zero();
  if (finite1.size() >= kSampleSize) {
    start = Search([&] {
      return cv::findHomography(ToMat(finite1), ToMat(finite2), cv::noArray(),
                                MakeUsacParams(options, kSampleSize));
    });
  }
  return Finish(
      start, points1, points2, kSampleSize, options,
      [&](const Eigen::Matrix3d& matrix) { return SquaredTransferErrors(matrix, points1, points2); },
      [](const Eigen::Matrix3d&, const Points2d& inliers1, const Points2d& inliers2) {
        return Search([&] { return cv::findHomography(ToMat(inliers1), ToMat(inliers2), 0); });
      });
}

}  // namespace colmatch
