// Methods of the evaluation; see evaluation_methods.h.
#include "plugin/experiments/evaluation_methods.h"

#include <torch/torch.h>

#include <opencv2/features2d.hpp>

#include "matcher/devices.h"
#include "matcher/matched_list.h"

namespace colmatch {
namespace {

Features SiftFeatures(const cv::Mat& pixels, int max_num_features) {
  cv::Mat gray;
  pixels.convertTo(gray, CV_8U, 255);
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;
  cv::SIFT::create(std::max(0, max_num_features))
      ->detectAndCompute(gray, cv::noArray(), keypoints, descriptors);
  const auto n = static_cast<int64_t>(keypoints.size());
  Features features;
  features.keypoints = torch::empty({n, 2});
  for (int64_t i = 0; i < n; ++i) {
    features.keypoints.data_ptr<float>()[2 * i] = keypoints[i].pt.x;
    features.keypoints.data_ptr<float>()[2 * i + 1] = keypoints[i].pt.y;
  }
  features.scores = torch::ones({n});
  features.descriptors =
      n > 0 ? torch::from_blob(descriptors.ptr<float>(), {n, 128}).t().contiguous() : torch::zeros({128, 0});
  // Square roots of L1-normalised histograms: unit length, and the dot product is Hellinger's kernel.
  features.descriptors = (features.descriptors / features.descriptors.sum(0, true).clamp_min(1e-9)).sqrt();
  features.width = pixels.cols;
  features.height = pixels.rows;
  return features;
}

std::vector<cv::Point2f> Points(const Features& features) {
  const auto xy = features.keypoints.contiguous();
  std::vector<cv::Point2f> points(static_cast<size_t>(features.size()));
  for (size_t i = 0; i < points.size(); ++i)
    points[i] = {xy.data_ptr<float>()[2 * i], xy.data_ptr<float>()[2 * i + 1]};
  return points;
}

}  // namespace

MatchedPair2d ToMatchedPair(const Features& features0, const Features& features1,
                            const FeatureMatches& matches) {
  MatchedPair2d pair;
  pair.keypoints0 = Points(features0);
  pair.keypoints1 = Points(features1);
  for (const MatchedPair& m : ListMatches(matches))
    pair.matches.push_back({m.index0, m.index1, m.confidence});
  return pair;
}

Measures MeasureByHomography(const MatchedPair2d& matched, const Homography& h1_from_0, const cv::Size& size0,
                             const cv::Size& size1) {
  HomographyPair pair;
  static_cast<MatchedPair2d&>(pair) = matched;
  pair.h1_from_0 = cv::Matx33d(h1_from_0.m.data());
  pair.size0 = size0;
  pair.size1 = size1;
  return MeasureHomographyPair(pair);
}

EvaluationMethods::EvaluationMethods(const CommonOptions& common, const KeypointOptions& keypoints,
                                     const SuperGlueOptions& superglue)
    : EvaluationMethods(ResolveWeights(common.weights), DeviceFromName(common.device),
                        PrecisionFromName(common.precision, DeviceFromName(common.device)), keypoints,
                        superglue) {}

EvaluationMethods::EvaluationMethods(const WeightsPaths& weights, torch::Device device, Precision precision,
                                     const KeypointOptions& keypoints, const SuperGlueOptions& superglue)
    : extractor_(LoadSuperPoint(weights.superpoint), keypoints, device, precision),
      max_num_features_(keypoints.max_num_features),
      precision_(precision) {
  if (!weights.superglue.empty()) {
    LoadedSuperGlue loaded = LoadSuperGlue(weights.superglue);
    superglue_sha256_ = loaded.sha256;
    Add("superglue", false, "superglue", loaded, superglue, device);
    if (GuidanceRoundsOf(loaded.network, superglue) > 0) {
      SuperGlueOptions alone = superglue;
      alone.guidance_rounds = 0;
      Add("superglue_alone", false, "superglue", std::move(loaded), alone, device);
    }
  }
  Add("nn", false, "nn", {}, superglue, device);
  Add("nn_mutual", false, "nn_mutual", {}, superglue, device);
  Add("nn_ratio", false, "nn_ratio", {}, superglue, device);
  Add("sift_mutual", true, "nn_mutual", {}, superglue, device);
  Add("sift_ratio", true, "nn_ratio", {}, superglue, device);
}

EvaluationMethods::EvaluationMethods(FeatureExtractor extractor, int max_num_features, Precision precision)
    : extractor_(std::move(extractor)), max_num_features_(max_num_features), precision_(precision) {}

EvaluationMethods EvaluationMethods::ShareOnCpu() const {
  EvaluationMethods other(extractor_, max_num_features_, precision_);
  other.superglue_sha256_ = superglue_sha256_;
  other.labels_ = labels_;
  other.on_sift_ = on_sift_;
  for (const auto& matcher : matchers_) other.matchers_.push_back(matcher->ShareOnCpu());
  return other;
}

void EvaluationMethods::Add(const std::string& label, bool on_sift, const std::string& matcher,
                            LoadedSuperGlue superglue, const SuperGlueOptions& options,
                            torch::Device device) {
  MatcherSetup setup{std::move(superglue), {}, device, {}, {}};
  setup.options.matcher = matcher;
  setup.options.superglue = options;
  setup.options.precision = precision_;
  labels_.push_back(label);
  on_sift_.push_back(on_sift);
  matchers_.push_back(MakeMatcher(std::move(setup)));
}

EvaluatedImage EvaluationMethods::Extract(const cv::Mat& pixels) {
  return {extractor_.Extract(pixels.ptr<float>(), pixels.cols, pixels.rows),
          SiftFeatures(pixels, max_num_features_)};
}

const Features& EvaluationMethods::FeaturesOf(size_t method, const EvaluatedImage& image) const {
  return on_sift_[method] ? image.sift : image.own;
}

MatchedPair2d EvaluationMethods::Match(size_t method, const EvaluatedImage& image0,
                                       const EvaluatedImage& image1) {
  const Features &features0 = FeaturesOf(method, image0), &features1 = FeaturesOf(method, image1);
  return ToMatchedPair(features0, features1, matchers_[method]->Match(features0, features1));
}

MatchedPair2d EvaluationMethods::MatchRotated(const EvaluatedImage& image0, const EvaluatedImage& image1,
                                              const cv::Mat& pixels1) {
  const TurnedDescriptors turned =
      extractor_.DescribeTurned(pixels1.ptr<float>(), pixels1.cols, pixels1.rows, image1.own);
  const int turns = ChooseTurn(image0.own, image1.own, turned, {});
  const Features seen = TurnFeatures(image1.own, turned, turns);
  return ToMatchedPair(image0.own, image1.own, matchers_.front()->Match(image0.own, seen));
}

}  // namespace colmatch
