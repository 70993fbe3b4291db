// Similarity alignment and pose errors; see model_comparison.h.
#include "evaluation/model_comparison.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

namespace colmatch {
namespace {

constexpr double kDegrees = 180 / 3.14159265358979323846;
constexpr size_t kMaxTriples = 3000;
// Second singular value of the centres over the first, below which they count as a line.
constexpr double kLineRatio = 1e-3;

using Points = std::vector<Eigen::Vector3d>;

struct CommonCameras {
  Points model, truth;
  std::vector<Eigen::Matrix3d> model_rotations, truth_rotations;
  std::vector<std::string> names;
};

Eigen::Matrix3Xd Centered(const Points& points, Eigen::Vector3d* mean) {
  Eigen::Matrix3Xd columns(3, Eigen::Index(points.size()));
  for (size_t i = 0; i < points.size(); ++i) columns.col(Eigen::Index(i)) = points[i];
  *mean = columns.rowwise().mean();
  columns.colwise() -= *mean;
  return columns;
}

bool OnALine(const Points& points) {
  if (points.size() < 3) return true;  // and fewer than three singular values
  Eigen::Vector3d mean;
  const Eigen::Vector3d values = Eigen::JacobiSVD<Eigen::Matrix3Xd>(Centered(points, &mean)).singularValues();
  return values[1] <= kLineRatio * values[0];
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double Extent(const Points& points) {
  double extent = 0;
  for (const Eigen::Vector3d& a : points) {
    for (const Eigen::Vector3d& b : points) extent = std::max(extent, (a - b).norm());
  }
  return extent;
}

std::vector<double> Residuals(const Similarity& similarity, const Points& model, const Points& truth) {
  std::vector<double> residuals;
  for (size_t i = 0; i < model.size(); ++i) residuals.push_back((similarity * model[i] - truth[i]).norm());
  return residuals;
}

// All triples where they are few, else a fixed random choice.
std::vector<std::array<size_t, 3>> Triples(size_t n) {
  std::vector<std::array<size_t, 3>> triples;
  if (n * (n - 1) * (n - 2) / 6 <= kMaxTriples) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i + 1; j < n; ++j) {
        for (size_t k = j + 1; k < n; ++k) triples.push_back({i, j, k});
      }
    }
    return triples;
  }
  std::mt19937 rng(1);
  while (triples.size() < kMaxTriples) {
    const size_t i = rng() % n, j = rng() % n, k = rng() % n;
    if (i != j && j != k && i != k) triples.push_back({i, j, k});
  }
  return triples;
}

Points Pick(const Points& points, const std::vector<size_t>& indices) {
  Points picked;
  for (const size_t i : indices) picked.push_back(points[i]);
  return picked;
}

// Cameras within `threshold`, or the half with the smallest residuals where that is more.
std::vector<size_t> Inliers(const std::vector<double>& residuals, double threshold) {
  std::vector<size_t> order(residuals.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return residuals[a] < residuals[b]; });
  const size_t at_least = std::max<size_t>(3, residuals.size() / 2 + 1);
  size_t count = std::min(at_least, order.size());
  while (count < order.size() && residuals[order[count]] <= threshold) ++count;
  order.resize(count);
  return order;
}

// Least median of squares over triples, then least squares on the inliers, twice.
Similarity AlignByCenters(const CommonCameras& common, std::vector<size_t>* inliers) {
  Similarity best = EstimateSimilarity(common.model, common.truth);
  double best_median = Median(Residuals(best, common.model, common.truth));
  for (const auto& triple : Triples(common.model.size())) {
    const std::vector<size_t> indices(triple.begin(), triple.end());
    const Points from = Pick(common.model, indices), to = Pick(common.truth, indices);
    if (OnALine(from) || OnALine(to)) continue;
    const Similarity candidate = EstimateSimilarity(from, to);
    const double median = Median(Residuals(candidate, common.model, common.truth));
    if (median < best_median) {
      best_median = median;
      best = candidate;
    }
  }
  for (int round = 0; round < 2; ++round) {
    const std::vector<double> residuals = Residuals(best, common.model, common.truth);
    // 1.4826: a median to a standard deviation; 3 of those hold nearly all of what is noise.
    *inliers = Inliers(residuals, 3 * 1.4826 * Median(residuals) + 1e-9 * Extent(common.truth));
    const Points from = Pick(common.model, *inliers), to = Pick(common.truth, *inliers);
    if (OnALine(from) || OnALine(to)) break;
    best = EstimateSimilarity(from, to);
  }
  return best;
}

// The rotation nearest to a sum of rotations.
Eigen::Matrix3d NearestRotation(const Eigen::Matrix3d& matrix) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(matrix, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Vector3d signs(1, 1, (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1);
  return svd.matrixU() * signs.asDiagonal() * svd.matrixV().transpose();
}

// For centres on a line: rotation from the cameras' rotations, scale and position from the centres.
Similarity AlignByRotations(const CommonCameras& common) {
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  for (size_t i = 0; i < common.names.size(); ++i) {
    sum += common.truth_rotations[i].transpose() * common.model_rotations[i];
  }
  Similarity similarity;
  similarity.rotation = NearestRotation(sum);
  Eigen::Vector3d model_mean, truth_mean;
  const Eigen::Matrix3Xd model = Centered(common.model, &model_mean),
                         truth = Centered(common.truth, &truth_mean);
  similarity.scale = truth.norm() / model.norm();
  similarity.translation = truth_mean - similarity.scale * (similarity.rotation * model_mean);
  return similarity;
}

std::string FileName(const std::string& name) { return std::filesystem::path(name).filename().string(); }

const CameraPose* FindByName(const std::vector<CameraPose>& poses, const std::string& name) {
  const CameraPose* same_file = nullptr;
  int num_same_file = 0;
  for (const CameraPose& pose : poses) {
    if (pose.name == name) return &pose;
    if (FileName(pose.name) == FileName(name)) {
      same_file = &pose;
      ++num_same_file;
    }
  }
  return num_same_file == 1 ? same_file : nullptr;
}

CommonCameras MatchByName(const std::vector<CameraPose>& model, const std::vector<CameraPose>& truth,
                          std::vector<std::string>* missing) {
  CommonCameras common;
  for (const CameraPose& expected : truth) {
    const CameraPose* found = FindByName(model, expected.name);
    if (!found) {
      missing->push_back(expected.name);
      continue;
    }
    common.names.push_back(expected.name);
    common.model.push_back(found->center);
    common.truth.push_back(expected.center);
    common.model_rotations.push_back(found->rotation);
    common.truth_rotations.push_back(expected.rotation);
  }
  return common;
}

double AngleDegrees(const Eigen::Matrix3d& rotation) {
  // atan2 of sine and cosine: acos alone loses half of the digits near zero.
  const Eigen::Vector3d axis(rotation(2, 1) - rotation(1, 2), rotation(0, 2) - rotation(2, 0),
                             rotation(1, 0) - rotation(0, 1));
  return std::atan2(axis.norm(), rotation.trace() - 1) * kDegrees;
}

void FillErrors(const CommonCameras& common, const std::vector<size_t>& inliers, ModelComparison* result) {
  std::vector<double> rotations, positions;
  for (size_t i = 0; i < common.names.size(); ++i) {
    PoseError error;
    error.name = common.names[i];
    error.rotation_deg = AngleDegrees(common.truth_rotations[i] * result->truth_from_model.rotation *
                                      common.model_rotations[i].transpose());
    error.position = (result->truth_from_model * common.model[i] - common.truth[i]).norm();
    error.position_share = error.position / result->extent;
    error.used_to_align = std::find(inliers.begin(), inliers.end(), i) != inliers.end();
    rotations.push_back(error.rotation_deg);
    positions.push_back(error.position);
    result->images.push_back(error);
  }
  result->median_rotation_deg = Median(rotations);
  result->max_rotation_deg = *std::max_element(rotations.begin(), rotations.end());
  result->median_position = Median(positions);
  result->max_position = *std::max_element(positions.begin(), positions.end());
  result->median_position_share = result->median_position / result->extent;
  result->max_position_share = result->max_position / result->extent;
  std::stable_sort(result->images.begin(), result->images.end(),
                   [](const PoseError& a, const PoseError& b) { return a.position > b.position; });
}

}  // namespace

Similarity EstimateSimilarity(const Points& from, const Points& to) {
  Eigen::Vector3d from_mean, to_mean;
  const Eigen::Matrix3Xd a = Centered(from, &from_mean), b = Centered(to, &to_mean);
  const Eigen::Matrix3d covariance = b * a.transpose();
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(covariance, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Vector3d signs(1, 1, 1);  // Umeyama (39), (43)
  if (svd.matrixU().determinant() * svd.matrixV().determinant() < 0) signs[2] = -1;
  Similarity similarity;
  similarity.rotation = svd.matrixU() * signs.asDiagonal() * svd.matrixV().transpose();
  similarity.scale = svd.singularValues().dot(signs) / a.squaredNorm();
  similarity.translation = to_mean - similarity.scale * (similarity.rotation * from_mean);
  return similarity;
}

ModelComparison CompareWithTruth(const std::vector<CameraPose>& model, const std::vector<CameraPose>& truth) {
  ModelComparison result;
  result.num_truth = truth.size();
  Points centers;
  for (const CameraPose& pose : truth) centers.push_back(pose.center);
  result.extent = Extent(centers);
  const CommonCameras common = MatchByName(model, truth, &result.missing);
  if (common.names.size() < 2) {
    result.reason = "only " + std::to_string(common.names.size()) +
                    " camera(s) in common with the truth; two are needed to align";
    return result;
  }
  if (Extent(common.truth) <= 0 || Extent(common.model) <= 0) {
    result.reason = "all common cameras are in one place, which leaves the scale open";
    return result;
  }
  std::vector<size_t> inliers;
  if (OnALine(common.truth) || OnALine(common.model)) {
    result.truth_from_model = AlignByRotations(common);
    for (size_t i = 0; i < common.names.size(); ++i) inliers.push_back(i);
  } else {
    result.truth_from_model = AlignByCenters(common, &inliers);
  }
  result.aligned = true;
  FillErrors(common, inliers, &result);
  return result;
}

ModelComparison CompareWithTruth(const ColmapModel& model, const std::vector<CameraPose>& truth) {
  return CompareWithTruth(PosesOf(model), truth);
}

}  // namespace colmatch
