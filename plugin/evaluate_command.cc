// `colmatch evaluate homography`: protocol A on photos that were not trained on.
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/features2d.hpp>
#include <sstream>

#include "evaluation/homography_metrics.h"
#include "matcher/frontend.h"
#include "network/atomic_file.h"
#include "network/error.h"
#include "plugin/command_list.h"
#include "plugin/image_reader.h"
#include "plugin/log.h"
#include "plugin/progress.h"
#include "plugin/weights_location.h"
#include "training/ground_truth.h"
#include "training/homography.h"
#include "training/photometric.h"
#include "training/warp.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 640, kHeight = 480;  // protocol A's images, pixels

KeypointOptions ProtocolKeypoints() {
  KeypointOptions options;
  options.max_num_features = 512;
  return options;
}

struct TestPair {
  std::string name;
  FloatImage views[2];
  Homography h1_from_0;
};

// Two warps of one photo that show nothing outside it, with different light, noise and blur.
TestPair MakePair(const fs::path& folder, const std::string& name, double difficulty, uint64_t seed,
                  size_t index) {
  const cv::Mat gray = ReadGrayImage(folder / name).gray;
  const FloatImage photo = GrayFromBytes(gray.data, gray.cols, gray.rows);
  HomographyOptions warp;
  warp.difficulty = difficulty;
  TestPair pair;
  pair.name = name;
  Rng rng(seed, 0xE7A1, index);
  Homography photo_from_view[2];
  for (int v = 0; v < 2; ++v) {
    const auto corners = SampleQuadrilateral(photo.width, photo.height, warp, rng);
    photo_from_view[v] = HomographyFromCorners(ImageCorners(kWidth, kHeight), corners);
    pair.views[v] = WarpImage(photo, photo_from_view[v], kWidth, kHeight);
    AugmentPhotometric(pair.views[v], PhotometricOptions{}, rng);
  }
  pair.h1_from_0 = photo_from_view[1].Inverse() * photo_from_view[0];
  return pair;
}

Features SiftFeatures(const FloatImage& view, int max_num_features) {
  cv::Mat gray;
  cv::Mat(view.height, view.width, CV_32F, const_cast<float*>(view.pixels.data()))
      .convertTo(gray, CV_8U, 255);
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;
  cv::SIFT::create(max_num_features)->detectAndCompute(gray, cv::noArray(), keypoints, descriptors);
  Features features;
  const auto n = static_cast<int64_t>(keypoints.size());
  features.keypoints = torch::empty({n, 2});
  for (int64_t i = 0; i < n; ++i) {
    features.keypoints[i][0] = keypoints[i].pt.x;
    features.keypoints[i][1] = keypoints[i].pt.y;
  }
  features.scores = torch::ones({n});
  features.descriptors =
      n > 0 ? torch::from_blob(descriptors.ptr<float>(), {n, 128}).clone().t() : torch::zeros({128, 0});
  features.descriptors = features.descriptors / features.descriptors.norm(2, 0, true).clamp_min(1e-9);
  features.width = view.width;
  features.height = view.height;
  return features;
}

std::vector<cv::Point2f> Points(const Features& features) {
  const auto xy = features.keypoints.contiguous();
  std::vector<cv::Point2f> points(static_cast<size_t>(features.size()));
  for (size_t i = 0; i < points.size(); ++i)
    points[i] = {xy.data_ptr<float>()[2 * i], xy.data_ptr<float>()[2 * i + 1]};
  return points;
}

HomographyResult Evaluate(const TestPair& pair, const Features& f0, const Features& f1,
                          const FeatureMatches& matches) {
  HomographyPair data;
  data.keypoints0 = Points(f0);
  data.keypoints1 = Points(f1);
  for (const MatchedPair& m : ListMatches(matches)) data.matches.emplace_back(m.index0, m.index1);
  const auto labels = MatchByHomography(f0.keypoints, f1.keypoints, pair.h1_from_0, GroundTruthOptions{});
  data.num_possible = static_cast<int>((labels.matches0 >= 0).sum().item<int64_t>());
  for (int i = 0; i < 9; ++i) data.h1_from_0.val[i] = pair.h1_from_0.m[i];
  data.width = kWidth;
  data.height = kHeight;
  return EvaluateHomographyPair(data);
}

nlohmann::ordered_json ToJson(const HomographySummary& s) {
  nlohmann::ordered_json json;
  json["num_pairs"] = s.num_pairs;
  json["num_failed"] = s.num_failed;
  json["precision"] = s.precision;
  json["recall"] = s.recall;
  json["auc_ransac"] = {{"3", s.auc_ransac_3}, {"5", s.auc_ransac_5}, {"10", s.auc_ransac_10}};
  json["auc_dlt"] = {{"3", s.auc_dlt_3}, {"5", s.auc_dlt_5}, {"10", s.auc_dlt_10}};
  json["mean_matches"] = s.mean_matches;
  json["localization_error_px"] = s.localization_error_px;
  return json;
}

class EvaluateCommand : public Command {
 public:
  std::string name() const override { return "evaluate"; }
  std::string description() const override {
    return "Measure precision, recall and homography AUC on warped photos, beside the baselines";
  }
  std::string examples() const override {
    return "  colmatch evaluate homography --image_path heldout_photos --output results";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "protocol", protocol_, "homography: SuperGlue's own (512 keypoints, 640x480)")
        ->required()
        ->check(CLI::IsMember({"homography"}));
    AddOption(app, "--image_path", image_path_, "photos that no weights were trained on")->required();
    AddOption(app, "--output", output_, "gets metrics.json and pairs.csv")->required();
    AddOption(app, "--pairs_per_image", pairs_per_image_, "random warps of each photo");
    AddOption(app, "--difficulty", difficulty_, "of the homographies, 0 to 1");
    AddOption(app, "--max_num_features", keypoints_.max_num_features, "keypoints an image");
    AddOption(app, "--SuperPoint.refinement_radius", keypoints_.refinement_radius,
              "keypoints move to the strongest corner this near, pixels; 0: they stay, as published");
    AddOption(app, "--SuperGlue.match_threshold", superglue_.match_threshold, "least confidence of a match");
    AddOption(app, "--SuperGlue.sinkhorn_iterations", superglue_.sinkhorn_iterations, "optimal transport");
  }

  int Run(const CommonOptions& common) override {
    const auto names = ListImages(image_path_);
    const WeightsPaths weights = ResolveWeights(common.weights);
    const auto device = DeviceFromName(common.device);
    FeatureExtractor extractor(LoadSuperPoint(weights.superpoint), keypoints_, device);
    std::vector<std::pair<std::string, FeatureMatcher>> matchers = MakeMatchers(weights, device);

    std::map<std::string, std::vector<HomographyResult>> results;
    std::vector<std::string> pair_names;
    size_t skipped = 0;
    ProgressBar bar("pairs", static_cast<int64_t>(names.size()) * pairs_per_image_, common.progress);
    for (size_t p = 0; p < names.size() * pairs_per_image_ && !StopRequested(); ++p) {
      try {
        const TestPair pair =
            MakePair(image_path_, names[p / pairs_per_image_], difficulty_, common.random_seed, p);
        Features own[2], sift[2];
        for (int v = 0; v < 2; ++v) {
          own[v] = extractor.Extract(pair.views[v].pixels.data(), kWidth, kHeight);
          sift[v] = SiftFeatures(pair.views[v], keypoints_.max_num_features);
        }
        for (auto& [label, matcher] : matchers) {
          const auto& f = label.rfind("sift", 0) == 0 ? sift : own;
          results[label].push_back(Evaluate(pair, f[0], f[1], matcher.Match(f[0], f[1])));
        }
        pair_names.push_back(pair.name);
      } catch (const InputError& error) {
        if (p % pairs_per_image_ == 0) ++skipped;
      }
      bar.Update(static_cast<int64_t>(p) + 1);
    }
    if (pair_names.empty()) throw UsageError(image_path_ + ": none of its files is a photo");
    if (skipped > 0) LogInfo(std::to_string(skipped) + " files that are not photos left out");
    Write(matchers, results, pair_names);
    return StopStatus();
  }

 private:
  std::vector<std::pair<std::string, FeatureMatcher>> MakeMatchers(const WeightsPaths& weights,
                                                                   torch::Device device) const {
    std::vector<std::pair<std::string, FeatureMatcher>> matchers;
    const auto add = [&](const std::string& label, MatcherType type, LoadedSuperGlue superglue) {
      MatcherOptions options;
      options.type = type;
      options.superglue = superglue_;
      matchers.emplace_back(label, FeatureMatcher(std::move(superglue), options, device));
    };
    if (!weights.superglue.empty())
      add("superglue", MatcherType::kSuperGlue, LoadSuperGlue(weights.superglue));
    add("nn", MatcherType::kNearestNeighbor, {});
    add("nn_mutual", MatcherType::kMutualNearestNeighbor, {});
    add("nn_ratio", MatcherType::kRatioTest, {});
    add("sift_mutual", MatcherType::kMutualNearestNeighbor, {});
    add("sift_ratio", MatcherType::kRatioTest, {});
    return matchers;
  }

  // The first matcher is the subject: its numbers stand at the top level of metrics.json, all are under
  // "methods".
  void Write(const std::vector<std::pair<std::string, FeatureMatcher>>& matchers,
             const std::map<std::string, std::vector<HomographyResult>>& results,
             const std::vector<std::string>& pair_names) const {
    fs::create_directories(output_);
    nlohmann::ordered_json json = ToJson(Summarize(results.at(matchers.front().first)));
    json["method"] = matchers.front().first;
    std::ostringstream csv;
    csv << "pair,method,num_matches,num_correct,num_possible,error_ransac_px,error_dlt_px\n";
    std::printf("%-12s %9s %9s %9s %9s %9s %9s %8s\n", "method", "precision", "recall", "RANSAC@10", "DLT@10",
                "matches", "error px", "failed");
    for (const auto& [label, matcher] : matchers) {
      const auto& rows = results.at(label);
      const HomographySummary s = Summarize(rows);
      json["methods"][label] = ToJson(s);
      std::printf("%-12s %9.1f %9.1f %9.2f %9.2f %9.1f %9.2f %8d\n", label.c_str(), 100 * s.precision,
                  100 * s.recall, 100 * s.auc_ransac_10, 100 * s.auc_dlt_10, s.mean_matches,
                  s.localization_error_px, s.num_failed);
      for (size_t i = 0; i < rows.size(); ++i) {
        csv << '"' << pair_names[i] << "\"," << label << ',' << rows[i].num_matches << ','
            << rows[i].num_correct << ',' << rows[i].num_possible << ',' << rows[i].error_ransac << ','
            << rows[i].error_dlt << '\n';
      }
    }
    WriteFileAtomically((fs::path(output_) / "metrics.json").string(), json.dump(2) + "\n");
    WriteFileAtomically((fs::path(output_) / "pairs.csv").string(), csv.str());
  }

  std::string protocol_, image_path_, output_;
  int pairs_per_image_ = 2;
  double difficulty_ = 0.7;
  KeypointOptions keypoints_ = ProtocolKeypoints();
  SuperGlueOptions superglue_;
};

}  // namespace

std::unique_ptr<Command> MakeEvaluateCommand() { return std::make_unique<EvaluateCommand>(); }

}  // namespace colmatch
