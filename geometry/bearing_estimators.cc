// RANSAC over minimal samples of directions, with refinement of each new best model.
#include "geometry/bearing_estimators.h"

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <opencv2/calib3d.hpp>
#include <opencv2/core/eigen.hpp>
#include <random>

#include "geometry/essential_refinement.h"

namespace colmatch {
namespace {

using Eigen::Matrix3d;
using Eigen::Vector3d;
using Indices = std::vector<int>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T>
T TangentSampsonError(const Eigen::Matrix<T, 3, 3>& essential, const Bearing& a, const Bearing& b) {
  const Eigen::Matrix<T, 3, 1> e_ray1 = essential * a.ray.cast<T>();
  const Eigen::Matrix<T, 3, 1> et_ray2 = essential.transpose() * b.ray.cast<T>();
  const Eigen::Matrix<T, 2, 1> by1 = a.per_px.transpose().cast<T>() * et_ray2;
  const Eigen::Matrix<T, 2, 1> by2 = b.per_px.transpose().cast<T>() * e_ray1;
  using std::sqrt;
  return b.ray.cast<T>().dot(e_ray1) / sqrt(by1.squaredNorm() + by2.squaredNorm());
}

struct TangentSampsonResidual {
  template <typename T>
  T operator()(const Eigen::Matrix<T, 3, 3>& essential) const {
    return TangentSampsonError(essential, bearing1, bearing2);
  }
  Bearing bearing1, bearing2;
};

// A turn after which none of the five rays lies near the plane z = 0.
Matrix3d TurnAwayFromPlane(const std::array<Vector3d, 5>& rays) {
  static const std::array<Vector3d, 13> axes = {{{0, 0, 1},
                                                 {1, 0, 0},
                                                 {0, 1, 0},
                                                 {1, 1, 0},
                                                 {1, -1, 0},
                                                 {1, 0, 1},
                                                 {1, 0, -1},
                                                 {0, 1, 1},
                                                 {0, 1, -1},
                                                 {1, 1, 1},
                                                 {1, 1, -1},
                                                 {1, -1, 1},
                                                 {-1, 1, 1}}};
  double best = -1;
  Vector3d best_axis = axes[0];
  for (const Vector3d& axis : axes) {
    double least = kInfinity;
    for (const Vector3d& ray : rays) least = std::min(least, std::abs(ray.dot(axis.normalized())));
    if (least <= best) continue;
    best = least;
    best_axis = axis.normalized();
  }
  return Eigen::Quaterniond::FromTwoVectors(best_axis, Vector3d::UnitZ()).toRotationMatrix();
}

// OpenCV's five-point solver (Nister, PAMI 2004). It works on a plane; a ray and its opposite give the same
// constraint, so any turn that brings the rays away from z = 0 will do.
std::vector<Matrix3d> SolveFivePoints(const Bearings& bearings1, const Bearings& bearings2,
                                      const Indices& sample) {
  std::array<Vector3d, 5> rays1, rays2;
  for (int i = 0; i < 5; ++i) {
    rays1[i] = bearings1[sample[i]].ray;
    rays2[i] = bearings2[sample[i]].ray;
  }
  const Matrix3d turn1 = TurnAwayFromPlane(rays1), turn2 = TurnAwayFromPlane(rays2);
  cv::Mat points1(5, 2, CV_64F), points2(5, 2, CV_64F);
  for (int i = 0; i < 5; ++i) {
    const Eigen::Vector2d p1 = (turn1 * rays1[i]).hnormalized(), p2 = (turn2 * rays2[i]).hnormalized();
    for (int k = 0; k < 2; ++k) {
      points1.at<double>(i, k) = p1(k);
      points2.at<double>(i, k) = p2(k);
    }
  }
  std::vector<Matrix3d> models;
  try {
    const cv::Mat stacked = cv::findEssentialMat(points1, points2, cv::Mat::eye(3, 3, CV_64F), cv::RANSAC);
    for (int row = 0; row + 3 <= stacked.rows; row += 3) {
      Matrix3d turned;
      cv::cv2eigen(stacked.rowRange(row, row + 3), turned);
      const Matrix3d model = turn2.transpose() * turned * turn1;
      if (model.allFinite()) models.push_back(model.normalized());
    }
  } catch (const cv::Exception&) {
    models.clear();  // OpenCV asserts inside on some degenerate samples.
  }
  return models;
}

// Least squares of ray2 x (H ray1) = 0, with the sign that maps rays to rays and not to their opposites.
std::vector<Matrix3d> FitHomography(const Bearings& bearings1, const Bearings& bearings2,
                                    const Indices& sample) {
  Eigen::Matrix<double, 9, 9> normal = Eigen::Matrix<double, 9, 9>::Zero();
  for (const int i : sample) {
    const Vector3d& ray1 = bearings1[i].ray;
    const Vector3d& ray2 = bearings2[i].ray;
    Eigen::Matrix<double, 3, 9> equations;
    equations << Eigen::RowVector3d::Zero(), -ray2.z() * ray1.transpose(), ray2.y() * ray1.transpose(),
        ray2.z() * ray1.transpose(), Eigen::RowVector3d::Zero(), -ray2.x() * ray1.transpose(),
        -ray2.y() * ray1.transpose(), ray2.x() * ray1.transpose(), Eigen::RowVector3d::Zero();
    normal += equations.transpose() * equations;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, 9, 9>> solver(normal);
  const Eigen::Matrix<double, 9, 1> h = solver.eigenvectors().col(0);
  Matrix3d model = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(h.data());
  if (!model.allFinite()) return {};
  int sign = 0;
  for (const int i : sample) sign += bearings2[i].ray.dot(model * bearings1[i].ray) > 0 ? 1 : -1;
  if (sample.size() == 4 && std::abs(sign) != 4) return {};
  return {sign < 0 ? Matrix3d(-model) : model};
}

struct Problem {
  int sample_size = 0;
  std::function<std::vector<Matrix3d>(const Indices&)> solve;
  std::function<double(const Matrix3d&, int)> squared_error;
  std::function<Matrix3d(const Matrix3d&, const Indices&)> refit;
};

struct Candidate {
  Matrix3d matrix = Matrix3d::Zero();
  Indices inliers;
  // Sum of the squared errors, outliers counting as the threshold (MSAC): chance inliers near it tell little.
  double cost = kInfinity;

  bool IsBetterThan(const Candidate& other) const { return cost < other.cost; }
};

class Search {
 public:
  Search(const Problem& problem, Indices usable, const RobustOptions& options)
      : problem_(problem),
        usable_(std::move(usable)),
        options_(options),
        rng_(static_cast<std::mt19937::result_type>(options.random_seed)) {}

  Candidate Run() {
    int num_trials = TrialsFor(options_.min_inlier_ratio);
    for (int trial = 0; trial < num_trials; ++trial) {
      Candidate found;
      for (const Matrix3d& model : problem_.solve(Draw())) {
        const Candidate candidate = Count(model, std::min(best_.cost, found.cost));
        if (candidate.IsBetterThan(found)) found = candidate;
      }
      if (!found.IsBetterThan(best_)) continue;
      best_ = options_.refine ? Refined(found) : found;
      const double ratio = static_cast<double>(best_.inliers.size()) / static_cast<double>(usable_.size());
      num_trials = std::min(num_trials, std::max(kMinTrials, TrialsFor(ratio)));
    }
    return best_;
  }

 private:
  static constexpr int kMinTrials = 50;

  // Enough to draw a sample without outliers. COLMAP triples it; the refinement of each new best makes up for
  // it.
  int TrialsFor(double inlier_ratio) const {
    const double success = std::pow(inlier_ratio, problem_.sample_size);
    if (success >= 1) return 1;
    const double trials = std::log(1 - options_.confidence) / std::log1p(-success);
    return trials < options_.max_num_trials ? std::max(1, static_cast<int>(trials)) : options_.max_num_trials;
  }

  Indices Draw() {
    Indices sample;
    while (static_cast<int>(sample.size()) < problem_.sample_size) {
      const int i = usable_[rng_() % usable_.size()];
      if (std::find(sample.begin(), sample.end(), i) == sample.end()) sample.push_back(i);
    }
    return sample;
  }

  // Stops where the model cannot be better than `to_beat` any more.
  Candidate Count(const Matrix3d& model, double to_beat) const {
    const double limit = options_.max_error * options_.max_error;
    Candidate candidate;
    candidate.matrix = model;
    candidate.cost = 0;
    for (const int i : usable_) {
      const double error = problem_.squared_error(model, i);
      const bool is_inlier = error <= limit;
      if (is_inlier) candidate.inliers.push_back(i);
      candidate.cost += is_inlier ? error : limit;
      if (candidate.cost >= to_beat) break;
    }
    return candidate;
  }

  Candidate Refined(Candidate candidate) const {
    constexpr int kMaxRefinements = 4;
    for (int i = 0; i < kMaxRefinements; ++i) {
      // A sample fits itself: refining on it alone says nothing.
      if (static_cast<int>(candidate.inliers.size()) <= problem_.sample_size) break;
      const Matrix3d matrix = problem_.refit(candidate.matrix, candidate.inliers);
      if (matrix.isZero(0.0) || !matrix.allFinite()) break;
      Candidate refined = Count(matrix, kInfinity);
      if (!refined.IsBetterThan(candidate)) break;
      candidate = std::move(refined);
    }
    return candidate;
  }

  const Problem& problem_;
  const Indices usable_;
  const RobustOptions& options_;
  std::mt19937 rng_;
  Candidate best_;
};

RobustModel Solve(const Problem& problem, const Bearings& bearings1, const Bearings& bearings2,
                  const RobustOptions& options) {
  RobustModel model;
  model.is_inlier.assign(bearings1.size(), 0);
  const auto is_finite = [](const Bearing& b) { return b.ray.allFinite() && b.per_px.allFinite(); };
  Indices usable;
  for (std::size_t i = 0; i < bearings1.size(); ++i)
    if (is_finite(bearings1[i]) && is_finite(bearings2[i])) usable.push_back(static_cast<int>(i));
  if (static_cast<int>(usable.size()) < problem.sample_size) return model;
  const Candidate best = Search(problem, std::move(usable), options).Run();
  if (static_cast<int>(best.inliers.size()) < problem.sample_size) return model;
  model.success = true;
  model.matrix = best.matrix;
  for (const int i : best.inliers) model.is_inlier[i] = 1;
  model.num_inliers = static_cast<int>(best.inliers.size());
  return model;
}

}  // namespace

std::vector<double> SquaredTangentSampsonErrors(const Matrix3d& essential, const Bearings& bearings1,
                                                const Bearings& bearings2) {
  std::vector<double> errors(bearings1.size());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const double error = TangentSampsonError(essential, bearings1[i], bearings2[i]);
    errors[i] = std::isfinite(error) ? error * error : kInfinity;
  }
  return errors;
}

RobustModel EssentialOfBearings(const Bearings& bearings1, const Bearings& bearings2,
                                const RobustOptions& options) {
  Problem problem;
  problem.sample_size = 5;
  problem.solve = [&](const Indices& sample) { return SolveFivePoints(bearings1, bearings2, sample); };
  problem.squared_error = [&](const Matrix3d& model, int i) {
    const double error = TangentSampsonError(model, bearings1[i], bearings2[i]);
    return error * error;
  };
  problem.refit = [&](const Matrix3d& model, const Indices& inliers) {
    std::vector<TangentSampsonResidual> residuals;
    for (const int i : inliers) residuals.push_back({bearings1[i], bearings2[i]});
    return MinimizeOverEssentials(model, residuals, options.max_error / 4);
  };
  return Solve(problem, bearings1, bearings2, options);
}

RobustModel HomographyOfBearings(const Bearings& bearings1, const Bearings& bearings2, const Camera& camera2,
                                 const Points2d& points2, const RobustOptions& options) {
  const double period = IsSpherical(camera2) ? static_cast<double>(camera2.width) : 0;
  Problem problem;
  problem.sample_size = 4;
  problem.solve = [&](const Indices& sample) { return FitHomography(bearings1, bearings2, sample); };
  problem.squared_error = [&](const Matrix3d& model, int i) {
    Eigen::Vector2d error = ProjectRay(camera2, model * bearings1[i].ray) - points2[i];
    if (period > 0) error.x() -= period * std::round(error.x() / period);
    return error.squaredNorm();
  };
  problem.refit = [&](const Matrix3d& model, const Indices& inliers) {
    const auto fits = FitHomography(bearings1, bearings2, inliers);
    return fits.empty() ? model : fits.front();
  };
  return Solve(problem, bearings1, bearings2, options);
}

}  // namespace colmatch
