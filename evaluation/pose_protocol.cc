// The pose protocol; see pose_protocol.h.
#include "evaluation/pose_protocol.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <opencv2/calib3d.hpp>
#include <sstream>

#include "evaluation/homography_estimation.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();
constexpr size_t kNumColumns = 38;

cv::Matx33d MatrixFrom(const double* values) { return cv::Matx33d(values); }

PosePairTruth ParseLine(const std::string& line, const std::string& where) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.size() != kNumColumns) {
    throw InputError(where + ": expected " + std::to_string(kNumColumns) +
                     " columns (two names, two rotations, K0, K1, T_0to1), found " +
                     std::to_string(words.size()));
  }
  PosePairTruth pair;
  pair.name0 = words[0];
  pair.name1 = words[1];
  double values[kNumColumns];
  for (size_t i = 2; i < kNumColumns; ++i) {
    char* end = nullptr;
    values[i] = std::strtod(words[i].c_str(), &end);
    if (*end != '\0' || !std::isfinite(values[i]))
      throw InputError(where + ": column " + std::to_string(i + 1) + " is not a number: " + words[i]);
  }
  pair.rotation0 = static_cast<int>(values[2]);
  pair.rotation1 = static_cast<int>(values[3]);
  pair.k0 = MatrixFrom(values + 4);
  pair.k1 = MatrixFrom(values + 13);
  const cv::Matx44d pose(values + 22);
  pair.rotation = pose.get_minor<3, 3>(0, 0);
  pair.translation = {pose(0, 3), pose(1, 3), pose(2, 3)};
  for (const cv::Matx33d& k : {pair.k0, pair.k1}) {
    if (!(k(0, 0) > 0 && k(1, 1) > 0)) throw InputError(where + ": a focal length is not above 0");
  }
  if (std::abs(cv::determinant(pair.rotation) - 1) > 1e-2)
    throw InputError(where + ": the last 16 columns hold no rotation");
  return pair;
}

std::vector<cv::Point2d> Normalized(const std::vector<cv::Point2f>& points, const cv::Matx33d& k) {
  std::vector<cv::Point2d> normalized;
  for (const auto& p : points) normalized.emplace_back((p.x - k(0, 2)) / k(0, 0), (p.y - k(1, 2)) / k(1, 1));
  return normalized;
}

double Degrees(double cosine) { return std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / CV_PI; }

struct PoseErrors {
  double rotation = kNone, translation = kNone;
};

PoseErrors EstimatePose(const PosePair& pair, const PoseProtocolOptions& options) {
  if (pair.matches.size() < 5) return {};
  const PosePairTruth& truth = pair.truth;
  const PointLists points = MatchedPoints(pair);
  const auto points0 = Normalized(points.points0, truth.k0), points1 = Normalized(points.points1, truth.k1);
  // As published: the mean of K0's fx, K1's fy, K0's fx and K1's fy.
  const double focal = 0.5 * (truth.k0(0, 0) + truth.k1(1, 1));
  const cv::Mat essential =
      cv::findEssentialMat(points0, points1, cv::Matx33d::eye(), cv::RANSAC, options.ransac_confidence,
                           options.ransac_threshold_px / focal);
  PoseErrors errors;
  int most_inliers = 0;
  for (int row = 0; row + 3 <= essential.rows; row += 3) {  // up to ten solutions, one below the other
    cv::Mat rotation, translation, mask;
    const int inliers = cv::recoverPose(essential.rowRange(row, row + 3), points0, points1,
                                        cv::Matx33d::eye(), rotation, translation, 1e9, mask);
    if (inliers <= most_inliers) continue;
    most_inliers = inliers;
    const cv::Matx33d r(rotation);
    const cv::Vec3d t(translation);
    errors.rotation = Degrees((cv::trace(r.t() * truth.rotation) - 1) / 2);
    // A camera that only turned has no direction to be wrong about; an essential matrix knows no sign.
    const double lengths = cv::norm(t) * cv::norm(truth.translation);
    const double angle = lengths > 0 ? Degrees(t.dot(truth.translation) / lengths) : 0;
    errors.translation = std::min(angle, 180 - angle);
  }
  return errors;
}

}  // namespace

std::vector<PosePairTruth> ReadPosePairs(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw UsageError(path.string() + ": cannot be read");
  std::vector<PosePairTruth> pairs;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    pairs.push_back(ParseLine(line, path.string() + ":" + std::to_string(number)));
  }
  if (pairs.empty()) throw UsageError(path.string() + ": names no pair");
  return pairs;
}

std::vector<double> EpipolarErrors(const PosePair& pair) {
  const PosePairTruth& truth = pair.truth;
  const PointLists points = MatchedPoints(pair);
  const auto points0 = Normalized(points.points0, truth.k0), points1 = Normalized(points.points1, truth.k1);
  const cv::Vec3d& t = truth.translation;
  const cv::Matx33d cross(0, -t[2], t[1], t[2], 0, -t[0], -t[1], t[0], 0);
  const cv::Matx33d essential = cross * truth.rotation;
  std::vector<double> errors;
  for (size_t i = 0; i < points0.size(); ++i) {
    const cv::Vec3d p0(points0[i].x, points0[i].y, 1), p1(points1[i].x, points1[i].y, 1);
    const cv::Vec3d line1 = essential * p0, line0 = essential.t() * p1;
    const double residual = p1.dot(line1);
    errors.push_back(
        residual * residual *
        (1 / (line1[0] * line1[0] + line1[1] * line1[1]) + 1 / (line0[0] * line0[0] + line0[1] * line0[1])));
  }
  return errors;
}

Measures MeasurePosePair(const PosePair& pair, const PoseProtocolOptions& options) {
  const std::vector<double> epipolar = EpipolarErrors(pair);
  const auto num_correct = static_cast<double>(std::count_if(
      epipolar.begin(), epipolar.end(), [&](double error) { return error < options.epipolar_threshold; }));
  const PoseErrors errors = EstimatePose(pair, options);
  Measures m;
  m["num_matches"] = static_cast<double>(epipolar.size());
  m["num_correct"] = num_correct;
  m["precision"] = epipolar.empty() ? 0 : num_correct / static_cast<double>(epipolar.size());
  m["matching_score"] =
      pair.keypoints0.empty() ? 0 : num_correct / static_cast<double>(pair.keypoints0.size());
  m["error_rotation"] = errors.rotation;
  m["error_translation"] = errors.translation;
  m["error_pose"] = std::max(errors.rotation, errors.translation);
  return m;
}

std::vector<Statistic> PoseStatistics() {
  using Kind = Statistic::Kind;
  std::vector<Statistic> statistics;
  for (const double t : {5.0, 10.0, 20.0}) {
    const std::string text = std::to_string(static_cast<int>(t));
    statistics.push_back({"auc_pose", text, "AUC@" + text, "error_pose", Kind::kAuc, t, 100});
  }
  statistics.push_back({"precision", "", "precision", "precision", Kind::kMean, 0, 100});
  statistics.push_back({"matching_score", "", "matching score", "matching_score", Kind::kMean, 0, 100});
  statistics.push_back({"mean_matches", "", "matches", "num_matches", Kind::kMean, 0, 1});
  return statistics;
}

}  // namespace colmatch
