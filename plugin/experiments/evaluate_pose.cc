// The pose protocol of `colmatch evaluate`; see evaluation_protocols.h.
#include <torch/torch.h>

#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "evaluation/pose_protocol.h"
#include "plugin/experiments/evaluation_protocols.h"
#include "plugin/photos/image_reader.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

const cv::Size kSize(640, 480);

struct View {
  cv::Size original;
  EvaluatedImage features;  // keypoints in the resized, not turned image
};

// The features of the upright image, with keypoints where they lie in the stored one: `quarter_turns`
// anticlockwise make the stored image upright.
void TurnBack(Features& features, int quarter_turns, const cv::Size& stored) {
  auto xy = features.keypoints.clone();
  cv::Size size = quarter_turns % 2 == 0 ? stored : cv::Size(stored.height, stored.width);
  for (int turn = 0; turn < quarter_turns; ++turn) {
    // Undoes one anticlockwise turn, which took (x, y) of a picture of width w to (y, w - 1 - x).
    const auto x = xy.select(1, 0).clone(), y = xy.select(1, 1).clone();
    xy.select(1, 0).copy_(size.height - 1 - y);
    xy.select(1, 1).copy_(x);
    size = {size.height, size.width};
  }
  features.keypoints = xy;
  features.width = stored.width;
  features.height = stored.height;
}

View ReadView(const fs::path& path, int quarter_turns, EvaluationMethods& methods) {
  const cv::Mat gray = ReadGrayImage(path).gray;
  View view;
  view.original = gray.size();
  cv::Mat pixels;
  gray.convertTo(pixels, CV_32F, 1 / 255.0);
  cv::resize(pixels, pixels, kSize);
  quarter_turns = ((quarter_turns % 4) + 4) % 4;
  if (quarter_turns > 0) {
    constexpr cv::RotateFlags kTurns[] = {cv::ROTATE_90_COUNTERCLOCKWISE, cv::ROTATE_180,
                                          cv::ROTATE_90_CLOCKWISE};
    cv::rotate(pixels, pixels, kTurns[quarter_turns - 1]);
  }
  view.features = methods.Extract(pixels);
  if (quarter_turns > 0) {
    TurnBack(view.features.own, quarter_turns, kSize);
    TurnBack(view.features.sift, quarter_turns, kSize);
  }
  return view;
}

// K of the resized image, as published: without the half pixel.
cv::Matx33d Resized(const cv::Matx33d& k, const cv::Size& original) {
  const double sx = static_cast<double>(kSize.width) / original.width,
               sy = static_cast<double>(kSize.height) / original.height;
  return cv::Matx33d(sx, 0, 0, 0, sy, 0, 0, 0, 1) * k;
}

// The list beside the images or one level up, where none is named.
fs::path FindPairs(const EvaluationInput& input) {
  if (!input.pairs_path.empty()) return input.pairs_path;
  const fs::path folder(input.image_path);
  for (const fs::path& path : {folder / "pairs_with_gt.txt", folder.parent_path() / "pairs_with_gt.txt"}) {
    if (fs::exists(path)) return path;
  }
  throw UsageError(input.image_path + ": has no pairs_with_gt.txt; --pairs_path names the list of pairs");
}

}  // namespace

EvaluationOutcome EvaluatePoses(const EvaluationInput& input, EvaluationMethods& methods) {
  EvaluationOutcome outcome = NewOutcome(
      "pose", methods, "error_pose", PoseStatistics(),
      {PublishedRow{"published, on the 15 pairs of ScanNet: SuperPoint + SuperGlue, indoor weights",
                    {{"AUC@5", 26.99},
                     {"AUC@10", 48.40},
                     {"AUC@20", 64.47},
                     {"precision", 73.52},
                     {"matching score", 19.60}}}});
  const auto pairs = ReadPosePairs(FindPairs(input));
  fs::path folder(input.image_path);
  if (fs::is_directory(folder / "images")) folder /= "images";
  std::vector<std::string> names;
  for (const auto& pair : pairs) names.push_back(pair.name0 + " " + pair.name1);
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures rows;
    const View view0 = ReadView(folder / pairs[p].name0, pairs[p].rotation0, own),
               view1 = ReadView(folder / pairs[p].name1, pairs[p].rotation1, own);
    PosePair pair;
    pair.truth = pairs[p];
    pair.truth.k0 = Resized(pair.truth.k0, view0.original);
    pair.truth.k1 = Resized(pair.truth.k1, view1.original);
    for (size_t m = 0; m < own.labels().size(); ++m) {
      static_cast<MatchedPair2d&>(pair) = own.Match(m, view0.features, view1.features);
      rows[own.labels()[m]] = MeasurePosePair(pair);
    }
    return rows;
  });
  return outcome;
}

}  // namespace colmatch
