// The homography and legacy homography protocols of `colmatch evaluate`; see evaluation_protocols.h.
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "evaluation/legacy_protocol.h"
#include "plugin/experiments/evaluation_protocols.h"
#include "plugin/experiments/homography_pairs.h"
#include "plugin/experiments/warped_pairs.h"
#include "plugin/photos/image_reader.h"
#include "util/error.h"
#include "util/image_names.h"
#include "util/random.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

cv::Matx33d ToMatx(const Homography& h) { return cv::Matx33d(h.m.data()); }

HomographyPair Matched(EvaluationMethods& methods, size_t method, const EvaluatedImage images[2],
                       const cv::Matx33d& h1_from_0) {
  HomographyPair pair;
  static_cast<MatchedPair2d&>(pair) = methods.Match(method, images[0], images[1]);
  pair.h1_from_0 = h1_from_0;
  pair.size0 = pair.size1 = kWarpedPairSize;
  return pair;
}

struct LegacyPair {
  std::string name;
  std::optional<cv::Matx33d> h1_from_0;  // in the photo's pixels; none: drawn
};

std::vector<LegacyPair> ReadLegacyPairs(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot be read");
  SkipByteOrderMark(file, path);
  std::vector<LegacyPair> pairs;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream words(line);
    LegacyPair pair;
    if (!(words >> pair.name)) continue;
    cv::Matx33d h;
    for (double& value : h.val) {
      if (!(words >> value))
        throw InputError(path + ":" + std::to_string(number) + ": expected a name and nine numbers, found " +
                         line);
    }
    pair.h1_from_0 = h;
    pairs.push_back(pair);
  }
  return pairs;
}

// Of the kind of that list: rotation up to 25 degrees, scale 1 to 2.2, shift up to 0.6 of the picture, shear
// 0.04 and perspective 0.0004 (standard deviations), about the picture's middle (peers.md, section 3).
cv::Matx33d DrawLegacyHomography(const cv::Size& size, Rng& rng) {
  const double w = size.width, h = size.height;
  const double angle = rng.Uniform(-25, 25) * CV_PI / 180, scale = rng.Uniform(1, 2.2);
  const cv::Matx33d to_middle(1, 0, -w / 2, 0, 1, -h / 2, 0, 0, 1);
  const cv::Matx33d perspective(1, 0, 0, 0, 1, 0, 4e-4 * rng.Normal(), 4e-4 * rng.Normal(), 1);
  const cv::Matx33d shear(1, 0.04 * rng.Normal(), 0, 0.04 * rng.Normal(), 1, 0, 0, 0, 1);
  const cv::Matx33d turn(scale * std::cos(angle), -scale * std::sin(angle), 0, scale * std::sin(angle),
                         scale * std::cos(angle), 0, 0, 0, 1);
  const cv::Matx33d back(1, 0, w * (0.5 + 0.3 * rng.Uniform(-1, 1)), 0, 1,
                         h * (0.5 + 0.3 * rng.Uniform(-1, 1)), 0, 0, 1);
  return back * turn * shear * perspective * to_middle;
}

WarpedPair MakeLegacyPair(const fs::path& path, const LegacyPair& legacy, uint64_t seed, size_t index) {
  const cv::Mat gray = ReadGrayImage(path).gray;
  Rng rng(seed, 0x1E6A, index);
  const cv::Matx33d h = legacy.h1_from_0 ? *legacy.h1_from_0 : DrawLegacyHomography(gray.size(), rng);
  cv::Mat warped;
  cv::warpPerspective(gray, warped, h, gray.size());
  WarpedPair pair;
  const cv::Mat views[2] = {gray, warped};
  for (int v = 0; v < 2; ++v) {
    cv::Mat resized;
    views[v].convertTo(resized, CV_32F, 1 / 255.0);
    cv::resize(resized, pair.pixels[v], kWarpedPairSize);
  }
  const double sx = static_cast<double>(kWarpedPairSize.width) / gray.cols,
               sy = static_cast<double>(kWarpedPairSize.height) / gray.rows;
  const cv::Matx33d scale(sx, 0, 0, 0, sy, 0, 0, 0, 1);  // as published: without the half pixel
  const cv::Matx33d scaled = scale * h * scale.inv();
  std::copy(scaled.val, scaled.val + 9, pair.h1_from_0.m.begin());
  return pair;
}

cv::Mat ReadPixels(const fs::path& path) {
  cv::Mat pixels;
  ReadGrayImage(path).gray.convertTo(pixels, CV_32F, 1 / 255.0);
  return pixels;
}

// Pairs made elsewhere, as their pictures are.
void EvaluateListedPairs(const EvaluationInput& input, EvaluationMethods& methods,
                         EvaluationOutcome& outcome) {
  const auto pairs = ReadHomographyPairs(input.pairs_path);
  std::vector<std::string> names;
  for (const ListedPair& pair : pairs) names.push_back(pair.names[0] + " " + pair.names[1]);
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures rows;
    const cv::Mat pixels[2] = {ReadPixels(fs::path(input.image_path) / pairs[p].names[0]),
                               ReadPixels(fs::path(input.image_path) / pairs[p].names[1])};
    const EvaluatedImage images[2] = {own.Extract(pixels[0]), own.Extract(pixels[1])};
    for (size_t m = 0; m < own.labels().size(); ++m) {
      rows[own.labels()[m]] = MeasureByHomography(own.Match(m, images[0], images[1]), pairs[p].h1_from_0,
                                                  pixels[0].size(), pixels[1].size());
    }
    return rows;
  });
}

}  // namespace

EvaluationOutcome EvaluateHomographies(const EvaluationInput& input, EvaluationMethods& methods) {
  using Row = PublishedRow;
  EvaluationOutcome outcome =
      NewOutcome("homography", methods, "error_ransac", HomographyStatistics(),
                 {Row{"published, on other photos (Sarlin 2020, table 1): SuperPoint + nearest neighbour",
                      {{"RANSAC@10", 39.47}, {"DLT@10", 0.0}, {"precision", 21.7}, {"recall", 65.4}}},
                  Row{"published: SuperPoint + mutual",
                      {{"RANSAC@10", 42.45}, {"DLT@10", 0.24}, {"precision", 43.8}, {"recall", 56.5}}},
                  Row{"published: PointCN",
                      {{"RANSAC@10", 43.02}, {"DLT@10", 45.40}, {"precision", 76.2}, {"recall", 64.2}}},
                  Row{"published: OANet",
                      {{"RANSAC@10", 44.55}, {"DLT@10", 52.29}, {"precision", 82.8}, {"recall", 64.7}}},
                  Row{"published: SuperGlue",
                      {{"RANSAC@10", 53.67}, {"DLT@10", 65.85}, {"precision", 90.7}, {"recall", 98.3}}}});
  if (!input.pairs_path.empty()) {
    EvaluateListedPairs(input, methods, outcome);
    return outcome;
  }
  std::vector<std::string> names;
  for (const std::string& name : ListImages(input.image_path))
    names.insert(names.end(), static_cast<size_t>(input.pairs_per_image), name);
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures rows;
    const WarpedPair pair =
        MakeWarpedPair(fs::path(input.image_path) / names[p], input.difficulty, input.seed, p);
    const EvaluatedImage images[2] = {own.Extract(pair.pixels[0]), own.Extract(pair.pixels[1])};
    for (size_t m = 0; m < own.labels().size(); ++m) {
      rows[own.labels()[m]] = MeasureByHomography(own.Match(m, images[0], images[1]), pair.h1_from_0,
                                                  kWarpedPairSize, kWarpedPairSize);
    }
    return rows;
  });
  return outcome;
}

EvaluationOutcome EvaluateLegacyHomographies(const EvaluationInput& input, EvaluationMethods& methods) {
  EvaluationOutcome outcome =
      NewOutcome("homography, legacy protocol", methods, "error_ransac", LegacyStatistics(),
                 {PublishedRow{"published, on 199 COCO photos (gouthamvgk, coco_homo)",
                               {{"RANSAC@5", 34.06},
                                {"RANSAC@10", 52.33},
                                {"RANSAC@25", 73.03},
                                {"precision", 80.87},
                                {"recall", 96.22}}},
                  PublishedRow{"published, on 199 COCO photos (second seed, dense)",
                               {{"RANSAC@5", 32.02},
                                {"RANSAC@10", 49.09},
                                {"RANSAC@25", 68.94},
                                {"precision", 78.64},
                                {"recall", 91.67}}}});
  std::vector<LegacyPair> pairs;
  if (!input.pairs_path.empty()) {
    pairs = ReadLegacyPairs(input.pairs_path);
  } else {
    for (const std::string& name : ListImages(input.image_path)) pairs.push_back({name, std::nullopt});
  }
  std::vector<std::string> names;
  for (const LegacyPair& pair : pairs) names.push_back(pair.name);
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures rows;
    const WarpedPair pair = MakeLegacyPair(fs::path(input.image_path) / names[p], pairs[p], input.seed, p);
    const EvaluatedImage images[2] = {own.Extract(pair.pixels[0]), own.Extract(pair.pixels[1])};
    for (size_t m = 0; m < own.labels().size(); ++m) {
      rows[own.labels()[m]] =
          MeasureLegacyPair(Matched(own, m, images, ToMatx(pair.h1_from_0))).value_or(Measures{});
    }
    return rows;
  });
  return outcome;
}

}  // namespace colmatch
