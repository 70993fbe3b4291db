// The pair's configuration, by the rules of COLMAP's estimators/two_view_geometry.cc.
#include "geometry/two_view_geometry.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>

#include "geometry/bearing_estimators.h"
#include "geometry/camera.h"
#include "geometry/relative_pose.h"
#include "geometry/robust_estimators.h"
#include "geometry/undistort.h"
#include "util/error.h"

namespace colmatch {
namespace {

// One pair with its matched points; the indices are those of `matches`.
struct Pair {
  const Camera& camera1;
  const Camera& camera2;
  Matches matches;
  Points2d points1, points2;  // px
};

struct Models {
  RobustModel F, E, H;  // E stays unsuccessful for uncalibrated pairs, F for pairs with a sphere.
};

// What the models are estimated from.
enum class Evidence {
  kPoints,    // image points, for E on the plane z = 1: COLMAP 3.8
  kBoth,      // F from image points, E and H from directions: lenses that bend straight lines, COLMAP 4
  kBearings,  // directions alone: a sphere has no image plane, so no F
};

bool IsCalibrated(const Pair& pair) {
  return pair.camera1.has_prior_focal_length && pair.camera2.has_prior_focal_length;
}

Evidence EvidenceOf(const Pair& pair) {
  if (IsSpherical(pair.camera1) || IsSpherical(pair.camera2)) return Evidence::kBearings;
  const bool is_bent = !IsUndistorted(pair.camera1) || !IsUndistorted(pair.camera2);
  return is_bent && IsCalibrated(pair) ? Evidence::kBoth : Evidence::kPoints;
}

struct Decision {
  TwoViewConfig config = TwoViewConfig::kDegenerate;
  const RobustModel* inliers_of = nullptr;  // the model whose inliers are taken
};

double Ratio(const RobustModel& numerator, const RobustModel& denominator) {
  return static_cast<double>(numerator.num_inliers) / denominator.num_inliers;
}

const RobustModel* WithMoreInliers(const RobustModel& preferred, const RobustModel& other) {
  return other.num_inliers > preferred.num_inliers ? &other : &preferred;
}

Decision DecideCalibrated(const Models& models, const TwoViewGeometryOptions& options) {
  const auto enough = [&](const RobustModel& model) {
    return model.success && model.num_inliers >= options.min_num_inliers;
  };
  if (enough(models.E) && Ratio(models.E, models.F) > options.min_E_F_inlier_ratio) {
    const RobustModel* best = WithMoreInliers(models.E, models.F);
    if (Ratio(models.H, models.E) > options.max_H_inlier_ratio) {
      return {TwoViewConfig::kPlanarOrPanoramic, WithMoreInliers(*best, models.H)};
    }
    return {TwoViewConfig::kCalibrated, best};
  }
  if (enough(models.F)) {
    if (Ratio(models.H, models.F) > options.max_H_inlier_ratio) {
      return {TwoViewConfig::kPlanarOrPanoramic, WithMoreInliers(models.F, models.H)};
    }
    return {TwoViewConfig::kUncalibrated, &models.F};
  }
  if (enough(models.H)) return {TwoViewConfig::kPlanarOrPanoramic, &models.H};
  return {};
}

Decision DecideUncalibrated(const Models& models, const TwoViewGeometryOptions& options) {
  if (std::max(models.F.num_inliers, models.H.num_inliers) < options.min_num_inliers ||
      (!models.F.success && !models.H.success)) {
    return {};
  }
  if (Ratio(models.H, models.F) > options.max_H_inlier_ratio) {
    return {TwoViewConfig::kPlanarOrPanoramic, WithMoreInliers(models.H, models.F)};
  }
  return {TwoViewConfig::kUncalibrated, &models.F};
}

// COLMAP 4's rule where there is no F. A pure rotation, as panoramas are often taken, has no E either.
Decision DecideSpherical(const Models& models, const TwoViewGeometryOptions& options) {
  const auto enough = [&](const RobustModel& model) {
    return model.success && model.num_inliers >= options.min_num_inliers;
  };
  if (enough(models.E) && Ratio(models.H, models.E) <= options.max_H_inlier_ratio)
    return {TwoViewConfig::kCalibrated, &models.E};
  if (enough(models.E) || enough(models.H))
    return {TwoViewConfig::kPlanarOrPanoramic, WithMoreInliers(models.E, models.H)};
  return {};
}

bool IsInBorder(const Eigen::Vector2d& point, const Camera& camera, double border_size) {
  const double width = static_cast<double>(camera.width), height = static_cast<double>(camera.height);
  const double border = border_size * std::hypot(width, height);
  return point.x() < border || point.x() > width - border || point.y() < border ||
         point.y() > height - border;
}

// Most inliers of any translation that one of the matches proposes. COLMAP draws them at random; trying all
// of them is fast enough and needs no luck.
std::size_t NumTranslationInliers(const Points2d& shifts, double max_error) {
  std::size_t best = 0;
  for (const Eigen::Vector2d& candidate : shifts) {
    const auto agrees = [&](const Eigen::Vector2d& shift) {
      return (shift - candidate).squaredNorm() <= max_error * max_error;
    };
    best = std::max(best, static_cast<std::size_t>(std::count_if(shifts.begin(), shifts.end(), agrees)));
  }
  return best;
}

bool IsWatermark(const Pair& pair, const RobustModel& model, const TwoViewGeometryOptions& options) {
  Points2d shifts;
  std::size_t num_in_border = 0;
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    if (!model.is_inlier[i]) continue;
    shifts.push_back(pair.points2[i] - pair.points1[i]);
    num_in_border += IsInBorder(pair.points1[i], pair.camera1, options.watermark_border_size) &&
                     IsInBorder(pair.points2[i], pair.camera2, options.watermark_border_size);
  }
  const double min_count = options.watermark_min_inlier_ratio * static_cast<double>(shifts.size());
  return static_cast<double>(num_in_border) >= min_count &&
         static_cast<double>(NumTranslationInliers(shifts, options.watermark_detection_max_error)) >=
             min_count;
}

std::optional<Matrix3> ToRowMajor(const RobustModel& model) {
  if (!model.success) return std::nullopt;
  Matrix3 out;
  Eigen::Map<Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(out.data()) = model.matrix;
  return out;
}

RobustOptions RobustOptionsOf(const TwoViewGeometryOptions& options) {
  RobustOptions robust;
  robust.max_error = options.max_error;
  robust.confidence = options.confidence;
  robust.max_num_trials = options.max_num_trials;
  robust.min_inlier_ratio = options.min_inlier_ratio;
  robust.random_seed = options.random_seed;
  robust.refine = options.refine;
  return robust;
}

// Inliers of a model of the kind that explains the pair, for these points of the second image.
int NumInliersWith(const Pair& pair, const Points2d& points2, bool is_homography,
                   const RobustOptions& robust) {
  if (EvidenceOf(pair) != Evidence::kBearings) {
    return (is_homography ? RobustHomography(pair.points1, points2, robust)
                          : RobustFundamental(pair.points1, points2, robust))
        .num_inliers;
  }
  const Bearings bearings1 = BearingsOf(pair.camera1, pair.points1);
  const Bearings bearings2 = BearingsOf(pair.camera2, points2);
  return (is_homography ? HomographyOfBearings(bearings1, bearings2, pair.camera2, points2, robust)
                        : EssentialOfBearings(bearings1, bearings2, robust))
      .num_inliers;
}

// Most inliers of a model of the same kind when the second image's points are dealt out at random.
int NumChanceInliers(const Pair& pair, bool is_homography, const TwoViewGeometryOptions& options) {
  constexpr int kDeals = 2;
  const RobustOptions robust = RobustOptionsOf(options);
  std::mt19937 rng(static_cast<std::mt19937::result_type>(options.random_seed));
  Points2d dealt = pair.points2;
  int most = 0;
  for (int deal = 0; deal < kDeals; ++deal) {
    // std::shuffle differs between standard libraries.
    for (std::size_t i = dealt.size() - 1; i > 0; --i) std::swap(dealt[i], dealt[rng() % (i + 1)]);
    most = std::max(most, NumInliersWith(pair, dealt, is_homography, robust));
  }
  return most;
}

bool IsMoreThanChance(const Pair& pair, const Decision& decision, const TwoViewGeometryOptions& options) {
  const int num_inliers = decision.inliers_of->num_inliers;
  if (options.min_chance_ratio <= 0 || 2 * static_cast<std::size_t>(num_inliers) >= pair.matches.size())
    return true;
  const bool is_homography = decision.config == TwoViewConfig::kPlanarOrPanoramic;
  return num_inliers >= options.min_chance_ratio * NumChanceInliers(pair, is_homography, options);
}

// Of directions. The homography need only be looked for where it would decide (COLMAP 4).
void EstimateFromBearings(const Pair& pair, const TwoViewGeometryOptions& options, Models* models) {
  RobustOptions robust = RobustOptionsOf(options);
  const Bearings bearings1 = BearingsOf(pair.camera1, pair.points1);
  const Bearings bearings2 = BearingsOf(pair.camera2, pair.points2);
  models->E = EssentialOfBearings(bearings1, bearings2, robust);
  const double share = static_cast<double>(models->E.num_inliers) /
                       static_cast<double>(std::max<std::size_t>(pair.matches.size(), 1));
  robust.min_inlier_ratio = std::max(robust.min_inlier_ratio, options.max_H_inlier_ratio * share);
  models->H = HomographyOfBearings(bearings1, bearings2, pair.camera2, pair.points2, robust);
}

Models EstimateModels(const Pair& pair, bool is_calibrated, const TwoViewGeometryOptions& options) {
  RobustOptions robust = RobustOptionsOf(options);
  Models models;
  const Evidence evidence = EvidenceOf(pair);
  if (evidence != Evidence::kPoints) {
    EstimateFromBearings(pair, options, &models);
    if (evidence == Evidence::kBoth) models.F = RobustFundamental(pair.points1, pair.points2, robust);
    return models;
  }
  models.F = RobustFundamental(pair.points1, pair.points2, robust);
  models.H = RobustHomography(pair.points1, pair.points2, robust);
  if (is_calibrated) {
    // COLMAP 3.8: the mean of both cameras' thresholds in normalised units.
    robust.max_error =
        options.max_error * (1 / MeanFocalLength(pair.camera1) + 1 / MeanFocalLength(pair.camera2)) / 2;
    models.E = RobustEssential(UndistortToNormalized(pair.camera1, pair.points1),
                               UndistortToNormalized(pair.camera2, pair.points2), robust);
  }
  return models;
}

Rays RaysOf(const Camera& camera, const Points2d& points) {
  Rays rays;
  for (const Bearing& bearing : BearingsOf(camera, points)) rays.push_back(bearing.ray);
  return rays;
}

// Fills qvec and tvec, and settles kPlanarOrPanoramic, as COLMAP's EstimateRelativePose.
void AddRelativePose(const Pair& pair, const Models& models, const RobustModel& inliers_of,
                     TwoViewGeometry* estimate) {
  if (estimate->config == TwoViewConfig::kWatermark) return;
  Points2d inliers1, inliers2;
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    if (!inliers_of.is_inlier[i]) continue;
    inliers1.push_back(pair.points1[i]);
    inliers2.push_back(pair.points2[i]);
  }
  const Rays rays1 = RaysOf(pair.camera1, inliers1), rays2 = RaysOf(pair.camera2, inliers2);
  const Eigen::Matrix3d K1 = CalibrationMatrix(pair.camera1), K2 = CalibrationMatrix(pair.camera2);
  std::optional<RelativePose> pose;
  if (estimate->config == TwoViewConfig::kCalibrated) {
    pose = PoseFromEssential(models.E.matrix, rays1, rays2);
  } else if (estimate->config == TwoViewConfig::kUncalibrated) {
    pose = PoseFromEssential(K2.transpose() * models.F.matrix * K1, rays1, rays2);
  } else {
    const bool is_of_rays = EvidenceOf(pair) != Evidence::kPoints;
    pose =
        PoseFromHomography(is_of_rays ? models.H.matrix : K2.inverse() * models.H.matrix * K1, rays1, rays2);
  }
  if (!pose) return;
  if (estimate->config == TwoViewConfig::kPlanarOrPanoramic) {
    estimate->config = pose->translation.isZero(0.0) ? TwoViewConfig::kPanoramic : TwoViewConfig::kPlanar;
  }
  const Eigen::Quaterniond q(pose->rotation);
  estimate->qvec = {q.w(), q.x(), q.y(), q.z()};
  estimate->tvec = {pose->translation.x(), pose->translation.y(), pose->translation.z()};
}

TwoViewGeometry EstimateOne(const Pair& pair, const TwoViewGeometryOptions& options) {
  TwoViewGeometry estimate;
  estimate.config = TwoViewConfig::kDegenerate;
  if (pair.matches.size() < static_cast<std::size_t>(options.min_num_inliers)) return estimate;
  const Evidence evidence = EvidenceOf(pair);
  const bool is_calibrated = IsCalibrated(pair);
  Models models = EstimateModels(pair, is_calibrated, options);
  const Decision decision = evidence == Evidence::kBearings ? DecideSpherical(models, options)
                            : is_calibrated                 ? DecideCalibrated(models, options)
                                                            : DecideUncalibrated(models, options);
  if (!decision.inliers_of || !IsMoreThanChance(pair, decision, options)) return estimate;

  estimate.config = decision.config;
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    if (decision.inliers_of->is_inlier[i]) estimate.inlier_matches.push_back(pair.matches[i]);
  }
  if (options.detect_watermark && IsWatermark(pair, *decision.inliers_of, options)) {
    estimate.config = TwoViewConfig::kWatermark;
  }
  if (options.compute_relative_pose) AddRelativePose(pair, models, *decision.inliers_of, &estimate);
  if (evidence == Evidence::kBoth) {  // to px; a sphere has no such matrix, and keeps that of its rays
    models.H.matrix =
        CalibrationMatrix(pair.camera2) * models.H.matrix * CalibrationMatrix(pair.camera1).inverse();
  }
  estimate.F = ToRowMajor(models.F);
  estimate.E = ToRowMajor(models.E);
  estimate.H = ToRowMajor(models.H);
  return estimate;
}

Pair SelectMatched(const Camera& camera1, const Points2d& points1, const Camera& camera2,
                   const Points2d& points2, const Matches& matches) {
  Pair pair{camera1, camera2, matches, {}, {}};
  for (const auto& match : matches) {
    if (match[0] >= points1.size() || match[1] >= points2.size()) {
      throw InputError("match (" + std::to_string(match[0]) + ", " + std::to_string(match[1]) +
                       ") is out of range: the images have " + std::to_string(points1.size()) + " and " +
                       std::to_string(points2.size()) + " keypoints");
    }
    pair.points1.push_back(points1[match[0]]);
    pair.points2.push_back(points2[match[1]]);
  }
  return pair;
}

// COLMAP's multiple_models: estimate, take the inliers away, again, until nothing is found.
TwoViewGeometry EstimateMultiple(const Camera& camera1, const Points2d& points1, const Camera& camera2,
                                 const Points2d& points2, Matches remaining,
                                 const TwoViewGeometryOptions& options) {
  std::vector<TwoViewGeometry> found;
  while (true) {
    TwoViewGeometry estimate =
        EstimateOne(SelectMatched(camera1, points1, camera2, points2, remaining), options);
    if (estimate.config == TwoViewConfig::kDegenerate || estimate.inlier_matches.empty()) break;
    const std::set<Matches::value_type> taken(estimate.inlier_matches.begin(), estimate.inlier_matches.end());
    remaining.erase(std::remove_if(remaining.begin(), remaining.end(),
                                   [&](const auto& match) { return taken.count(match) > 0; }),
                    remaining.end());
    if (estimate.config == TwoViewConfig::kWatermark && options.multiple_ignore_watermark) continue;
    found.push_back(std::move(estimate));
  }
  if (found.size() == 1) return found.front();
  TwoViewGeometry all;
  all.config = found.empty() ? TwoViewConfig::kDegenerate : TwoViewConfig::kMultiple;
  for (const TwoViewGeometry& estimate : found) {
    all.inlier_matches.insert(all.inlier_matches.end(), estimate.inlier_matches.begin(),
                              estimate.inlier_matches.end());
  }
  return all;
}

}  // namespace

void TwoViewGeometryOptions::Validate() const {
  kMinNumInliers.Require(min_num_inliers);
  kMaxError.Require(max_error);
  kConfidence.Require(confidence);
  kMaxNumTrials.Require(max_num_trials);
  kMinInlierRatio.Require(min_inlier_ratio);
  kShare.Require("--TwoViewGeometry.min_E_F_inlier_ratio", min_E_F_inlier_ratio);
  kShare.Require("--TwoViewGeometry.max_H_inlier_ratio", max_H_inlier_ratio);
  kMinChanceRatio.Require(min_chance_ratio);
  kShare.Require("--TwoViewGeometry.watermark_min_inlier_ratio", watermark_min_inlier_ratio);
  kShare.Require("--TwoViewGeometry.watermark_border_size", watermark_border_size);
  kWatermarkMaxError.Require(watermark_detection_max_error);
}

TwoViewGeometry EstimateTwoViewGeometry(const Camera& camera1, const std::vector<Eigen::Vector2d>& points1,
                                        const Camera& camera2, const std::vector<Eigen::Vector2d>& points2,
                                        const Matches& matches, const TwoViewGeometryOptions& options) {
  options.Validate();
  if (options.multiple_models) return EstimateMultiple(camera1, points1, camera2, points2, matches, options);
  return EstimateOne(SelectMatched(camera1, points1, camera2, points2, matches), options);
}

}  // namespace colmatch
