// The sequence protocol; see sequence_protocol.h.
#include "evaluation/sequence_protocol.h"

#include <sstream>

#include "evaluation/auc.h"

namespace colmatch {
namespace {

constexpr int kLargestAccuracyPx = 10;
constexpr double kAucThresholds[] = {1, 3, 5};

std::string At(const std::string& name, double threshold) {
  std::ostringstream text;
  text << name << '@' << threshold;
  return text.str();
}

double Share(const std::vector<double>& errors, double threshold) {
  if (errors.empty()) return 0;
  double within = 0;
  for (const double error : errors) within += error <= threshold;
  return within / static_cast<double>(errors.size());
}

}  // namespace

Measures MeasureSequencePair(const HomographyPair& pair, const SequenceProtocolOptions& options) {
  const PointLists points = MatchedPoints(pair);
  const cv::Matx33d h0_from_1 = pair.h1_from_0.inv();
  std::vector<double> forward, symmetric, weights;
  for (size_t i = 0; i < points.points0.size(); ++i) {
    const cv::Point2d p0 = points.points0[i], p1 = points.points1[i];
    forward.push_back(cv::norm(ApplyHomography(pair.h1_from_0, p0) - p1));
    symmetric.push_back(0.5 * (forward.back() + cv::norm(ApplyHomography(h0_from_1, p1) - p0)));
    weights.push_back(pair.matches[i].confidence);
  }
  Measures m;
  m["num_matches"] = static_cast<double>(forward.size());
  for (int t = 1; t <= kLargestAccuracyPx; ++t) m[At("accuracy", t)] = Share(forward, t);
  for (const int t : {1, 3}) m[At("precision", t)] = Share(symmetric, t);
  const auto corners = CornersByExtent(pair.size0);
  m["error_dlt"] = MeanCornerError(WeightedDlt(points, weights), pair.h1_from_0, corners);
  for (const double t : options.ransac_thresholds_px) {
    m[At("error_ransac", t)] = MeanCornerError(RansacHomography(points, {t}), pair.h1_from_0, corners);
  }
  const Repeatability repeatability = MeasureRepeatability(pair, options.repeatability_px);
  if (repeatability.num_common > 0) m["repeatability"] = repeatability.share;
  if (repeatability.num_repeated > 0) m["repeatability_error"] = repeatability.localization_error_px;
  return m;
}

double TakeBestRansac(std::vector<Measures>& rows, const SequenceProtocolOptions& options) {
  double best_threshold = options.ransac_thresholds_px.front(), best = -1;
  for (const double threshold : options.ransac_thresholds_px) {
    std::vector<double> errors;
    for (const Measures& row : rows) errors.push_back(row.at(At("error_ransac", threshold)));
    double sum = 0;
    for (const double t : kAucThresholds) sum += AreaUnderCurve(errors, t);
    if (sum > best) best = sum, best_threshold = threshold;
  }
  for (Measures& row : rows) row["error_ransac"] = row.at(At("error_ransac", best_threshold));
  return best_threshold;
}

std::vector<Statistic> SequenceStatistics() {
  using Kind = Statistic::Kind;
  std::vector<Statistic> statistics;
  for (const int t : {1, 3, 5}) {
    const std::string text = std::to_string(t);
    statistics.push_back(
        {"mean_matching_accuracy", text, "MMA@" + text, At("accuracy", t), Kind::kMean, 0, 100});
  }
  for (const int t : {1, 3}) {
    const std::string text = std::to_string(t);
    statistics.push_back({"precision", text, "P@" + text, At("precision", t), Kind::kMedian, 0, 100});
  }
  for (const auto& [key, title] : {std::pair("auc_ransac", "RANSAC@"), std::pair("auc_dlt", "DLT@")}) {
    for (const double t : kAucThresholds) {
      const std::string text = std::to_string(static_cast<int>(t));
      const std::string measure = key == std::string("auc_dlt") ? "error_dlt" : "error_ransac";
      statistics.push_back({key, text, title + text, measure, Kind::kAuc, t, 100});
    }
  }
  statistics.push_back({"repeatability", "", "repeatability", "repeatability", Kind::kMean, 0, 100});
  statistics.push_back(
      {"repeatability_error_px", "", "rep. error px", "repeatability_error", Kind::kMean, 0, 1});
  statistics.push_back({"mean_matches", "", "matches", "num_matches", Kind::kMean, 0, 1});
  return statistics;
}

}  // namespace colmatch
