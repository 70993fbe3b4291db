// `colmatch evaluate rotation`; see evaluation_protocols.h.
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "plugin/experiments/evaluation_protocols.h"
#include "plugin/photos/image_reader.h"
#include "training/data/photometric.h"
#include "training/data/warp.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 480;  // pixels
constexpr int kStepDegrees = 15;
constexpr char kTurned[] = "superglue_turned";

struct View {
  cv::Mat pixels;
  Homography photo_from_view;
};

// The largest square that fits into the photo at every angle, turned, its light changed.
View TurnedView(const FloatImage& photo, double degrees, Rng& rng) {
  const double angle = degrees * CV_PI / 180,
               scale = std::min(photo.width, photo.height) / std::sqrt(2.0) / kSide;
  const double c = scale * std::cos(angle), s = scale * std::sin(angle), middle = (kSide - 1) / 2.0;
  const double x = (photo.width - 1) / 2.0, y = (photo.height - 1) / 2.0;
  View view;
  view.photo_from_view.m = {c, -s, x - c * middle + s * middle, s, c, y - s * middle - c * middle, 0, 0, 1};
  FloatImage image = WarpImage(photo, view.photo_from_view, kSide, kSide);
  AugmentPhotometric(image, PhotometricOptions{}, rng);
  view.pixels = cv::Mat(kSide, kSide, CV_32F, image.pixels.data()).clone();
  return view;
}

std::string At(const std::string& name, int degrees) { return name + "@" + std::to_string(degrees); }

void Add(Measures& measures, int degrees, const MatchedPair2d& matched, const Features& features0,
         const Features& features1, const Homography& h1_from_0) {
  const Measures m = MeasureByHomography(matched, h1_from_0, {kSide, kSide}, {kSide, kSide});
  for (const char* name : {"precision", "recall", "num_correct", "error_ransac"}) {
    if (const auto found = m.find(name); found != m.end()) measures[At(name, degrees)] = found->second;
  }
}

}  // namespace

EvaluationOutcome EvaluateRotations(const EvaluationInput& input, EvaluationMethods& methods) {
  std::vector<Statistic> statistics;
  for (const char* name : {"precision", "recall"}) {
    for (int degrees = 0; degrees <= 180; degrees += kStepDegrees) {
      statistics.push_back({name, std::to_string(degrees),
                            std::string(1, name[0]) + "@" + std::to_string(degrees), At(name, degrees),
                            Statistic::Kind::kMean, 0, 100});
    }
  }
  EvaluationOutcome outcome = NewOutcome("rotation", methods, At("error_ransac", 0), std::move(statistics));
  outcome.report.threshold_title = "degrees";
  const bool has_superglue = methods.labels().front() == "superglue";
  if (has_superglue) outcome.report.methods.insert(outcome.report.methods.begin() + 1, kTurned);
  const auto names = ListImages(input.image_path);
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures measures;
    const cv::Mat gray = ReadGrayImage(fs::path(input.image_path) / names[p]).gray;
    const FloatImage photo = GrayFromBytes(gray.data, gray.cols, gray.rows);
    Rng rng(input.seed, 0x7074, p);
    const View upright = TurnedView(photo, 0, rng);
    const EvaluatedImage image0 = own.Extract(upright.pixels);
    for (int degrees = 0; degrees <= 180; degrees += kStepDegrees) {
      const View view = TurnedView(photo, degrees, rng);
      const EvaluatedImage image1 = own.Extract(view.pixels);
      const Homography h1_from_0 = view.photo_from_view.Inverse() * upright.photo_from_view;
      for (size_t m = 0; m < own.labels().size(); ++m) {
        Add(measures[own.labels()[m]], degrees, own.Match(m, image0, image1), own.FeaturesOf(m, image0),
            own.FeaturesOf(m, image1), h1_from_0);
      }
      if (has_superglue) {
        Add(measures[kTurned], degrees, own.MatchRotated(image0, image1, view.pixels), image0.own, image1.own,
            h1_from_0);
      }
    }
    return measures;
  });
  return outcome;
}

}  // namespace colmatch
