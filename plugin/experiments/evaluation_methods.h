// The methods that every protocol compares: SuperGlue and nearest neighbours on our features, nearest
// neighbours on SIFT's.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/homography_protocol.h"
#include "evaluation/matched_pair.h"
#include "matcher/feature_extractor.h"
#include "matcher/matcher_list.h"
#include "plugin/runtime/common_options.h"
#include "plugin/runtime/weights_location.h"
#include "training/data/homography.h"

namespace colmatch {

// Features of one image by each detector.
struct EvaluatedImage {
  Features own, sift;
};

MatchedPair2d ToMatchedPair(const Features& features0, const Features& features1,
                            const FeatureMatches& matches);

// What the homography protocol measures of a pair whose homography is known.
Measures MeasureByHomography(const MatchedPair2d& matched, const Homography& h1_from_0, const cv::Size& size0,
                             const cv::Size& size1);

class EvaluationMethods {
 public:
  // Weights and device as `common` names them; without SuperGlue weights there is no row of it.
  EvaluationMethods(const CommonOptions& common, const KeypointOptions& keypoints,
                    const SuperGlueOptions& superglue);

  // The same for another thread; both share the weights. Only on the CPU.
  EvaluationMethods ShareOnCpu() const;
  bool is_on_cpu() const { return extractor_.is_on_cpu(); }

  // "superglue", "superglue_alone" (where it is guided: without), "nn", "nn_mutual", "nn_ratio",
  // "sift_mutual", "sift_ratio"; the first is the subject.
  const std::vector<std::string>& labels() const { return labels_; }
  const std::string& superpoint_sha256() const { return extractor_.weights().sha256; }
  const std::string& superglue_sha256() const { return superglue_sha256_; }
  const std::vector<double>& scales() const { return extractor_.scales(); }
  int refinement_radius() const { return extractor_.refinement_radius(); }
  double place_radius() const { return extractor_.place_radius(); }

  // pixels: (h, w) CV_32F in [0, 1], contiguous.
  EvaluatedImage Extract(const cv::Mat& pixels);

  // What labels()[method] finds. SIFT is RootSIFT (Arandjelovic 2012), as COLMAP's default normalisation.
  MatchedPair2d Match(size_t method, const EvaluatedImage& image0, const EvaluatedImage& image1);

  // What the first method finds with image 1 looked at turned by the quarter turns that suit it best, as
  // rotated_matcher does. pixels1: of image 1.
  MatchedPair2d MatchRotated(const EvaluatedImage& image0, const EvaluatedImage& image1,
                             const cv::Mat& pixels1);

  // The features labels()[method] works on.
  const Features& FeaturesOf(size_t method, const EvaluatedImage& image) const;

 private:
  EvaluationMethods(FeatureExtractor extractor, int max_num_features, Precision precision);
  EvaluationMethods(const WeightsPaths& weights, torch::Device device, Precision precision,
                    const KeypointOptions& keypoints, const SuperGlueOptions& superglue);
  void Add(const std::string& label, bool on_sift, const std::string& matcher, LoadedSuperGlue superglue,
           const SuperGlueOptions& options, torch::Device device);

  FeatureExtractor extractor_;
  int max_num_features_;
  Precision precision_;
  std::string superglue_sha256_;
  std::vector<std::string> labels_;
  std::vector<char> on_sift_;
  std::vector<std::unique_ptr<FeatureMatcher>> matchers_;
};

}  // namespace colmatch
