// The sequence protocol of `colmatch evaluate`; see evaluation_protocols.h.
#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <optional>

#include "evaluation/sequence_protocol.h"
#include "plugin/experiments/evaluation_protocols.h"
#include "plugin/photos/image_reader.h"
#include "plugin/photos/image_resize.h"
#include "plugin/workers/shared_cache.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr int kShortSide = 480;  // pixels
constexpr int kNumImages = 6;

struct Sequence {
  std::string name;
  std::vector<fs::path> images;        // 1 .. 6
  std::vector<fs::path> homographies;  // from image 1 to 2 .. 6; empty: there is no such file
};

// "graf/img3.ppm", "v_wall/3.png": the number before the suffix.
int NumberOf(const fs::path& path) {
  const std::string stem = path.stem().string();
  const size_t digits = stem.find_last_not_of("0123456789") + 1;
  return digits < stem.size() && stem.size() - digits < 4 ? std::stoi(stem.substr(digits)) : 0;
}

bool IsPhotoName(const fs::path& path) {
  std::string suffix = path.extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* known :
       {".png", ".ppm", ".pgm", ".pnm", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}) {
    if (suffix == known) return true;
  }
  return false;
}

// The photos numbered 1 to 6; empty where there is none of a number.
std::vector<fs::path> NumberedPhotos(const fs::path& folder) {
  std::vector<fs::path> files(fs::directory_iterator(folder), fs::directory_iterator{});
  std::sort(files.begin(), files.end());
  std::vector<fs::path> photos(kNumImages);
  for (const fs::path& file : files) {
    const int number = NumberOf(file);
    if (number >= 1 && number <= kNumImages && IsPhotoName(file))
      photos[static_cast<size_t>(number - 1)] = file;
  }
  return photos;
}

// None: the folder holds no homography, and not six photos either.
std::optional<Sequence> SequenceIn(const fs::path& folder) {
  Sequence sequence;
  sequence.name = folder.filename().string();
  sequence.homographies.resize(kNumImages - 1);
  int num_homographies = 0;
  for (int i = 2; i <= kNumImages; ++i) {
    const std::string number = std::to_string(i);
    for (const std::string& name : {"H_1_" + number, "H1to" + number + "p"}) {
      if (!fs::exists(folder / name)) continue;
      sequence.homographies[static_cast<size_t>(i - 2)] = folder / name;
      ++num_homographies;
    }
  }
  const fs::path images = fs::is_directory(folder / "images") ? folder / "images" : folder;
  sequence.images = NumberedPhotos(images);
  for (int i = 0; i < kNumImages; ++i) {
    if (!sequence.images[static_cast<size_t>(i)].empty()) continue;
    if (num_homographies == 0) return std::nullopt;
    throw UsageError(images.string() + ": has homographies of a sequence but no image " +
                     std::to_string(i + 1));
  }
  return sequence;
}

std::vector<Sequence> ListSequences(const std::string& path) {
  if (!fs::is_directory(path)) throw UsageError(path + ": is not a folder");
  std::vector<fs::path> folders = {path};
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  std::vector<Sequence> sequences;
  for (const fs::path& folder : folders) {
    if (auto sequence = SequenceIn(folder)) sequences.push_back(std::move(*sequence));
  }
  const bool any = std::any_of(sequences.begin(), sequences.end(), [](const Sequence& sequence) {
    return std::any_of(sequence.homographies.begin(), sequence.homographies.end(),
                       [](const fs::path& file) { return !file.empty(); });
  });
  if (!any) {
    throw UsageError(
        path +
        ": no sequence in it: expected folders with images 1 .. 6 and H_1_2 .. H_1_6 or H1to2p .. "
        "H1to6p");
  }
  return sequences;
}

// A pair of a sequence that has a homography: the place of its second image, from 0.
struct SequencePairPlace {
  size_t sequence = 0, other = 0;
};

// Those that lack one are named among the skipped.
std::vector<SequencePairPlace> PairsOf(const std::vector<Sequence>& sequences,
                                       std::vector<SkippedInput>& skipped) {
  std::vector<SequencePairPlace> pairs;
  for (size_t s = 0; s < sequences.size(); ++s) {
    for (size_t other = 1; other < kNumImages; ++other) {
      const std::string number = std::to_string(other + 1), name = sequences[s].name + "/1-" + number;
      if (!sequences[s].homographies[other - 1].empty()) {
        pairs.push_back({s, other});
      } else {
        skipped.push_back(
            {name, name + ": the sequence has no H_1_" + number + " and no H1to" + number + "p"});
      }
    }
  }
  return pairs;
}

cv::Matx33d ReadHomography(const fs::path& path) {
  std::ifstream file(path);
  cv::Matx33d h;
  for (double& value : h.val) {
    if (!(file >> value)) throw InputError(path.string() + ": expected nine numbers");
  }
  // Scale, turn and perspective of photos give 1e-7 and more.
  constexpr double kLeastRatio = 1e-12;
  cv::Vec3d singular;
  cv::SVD::compute(h, singular, cv::SVD::NO_UV);
  if (!(singular[2] > kLeastRatio * singular[0])) {
    throw InputError(path.string() + ": is singular, expected a homography that has an inverse");
  }
  return h;
}

struct View {
  cv::Size size;
  cv::Matx33d resized_from_original;
  EvaluatedImage features;
};

View ReadView(const fs::path& path, EvaluationMethods& methods) {
  const cv::Mat gray = ReadGrayImage(path).gray;
  const int longer = std::max(gray.cols, gray.rows), shorter = std::min(gray.cols, gray.rows);
  const auto target = static_cast<int>(std::lround(static_cast<double>(kShortSide) * longer / shorter));
  const ResizedImage resized = ResizeForNetwork(gray, target);
  View view;
  view.size = resized.pixels.size();
  const double sx = 1 / resized.scale_x, sy = 1 / resized.scale_y;
  view.resized_from_original = {sx, 0, 0.5 * sx - 0.5, 0, sy, 0.5 * sy - 0.5, 0, 0, 1};
  view.features = methods.Extract(resized.pixels);
  return view;
}

}  // namespace

EvaluationOutcome EvaluateSequences(const EvaluationInput& input, EvaluationMethods& methods) {
  EvaluationOutcome outcome =
      NewOutcome("hpatches", methods, "error_ransac", SequenceStatistics(),
                 {PublishedRow{"published, on HPatches (glue-factory): SuperPoint + SuperGlue",
                               {{"RANSAC@1", 32.9},
                                {"RANSAC@3", 55.7},
                                {"RANSAC@5", 68.0},
                                {"DLT@1", 32.1},
                                {"DLT@3", 65.0},
                                {"DLT@5", 75.7}}}});
  const auto sequences = ListSequences(input.image_path);
  const auto places = PairsOf(sequences, outcome.skipped);
  std::vector<std::string> names;
  for (const SequencePairPlace& place : places)
    names.push_back(sequences[place.sequence].name + "/1-" + std::to_string(place.other + 1));
  SharedCache<size_t, View> firsts(static_cast<size_t>(input.num_threads) + 1);  // by sequence
  ForEachPair(names, input, methods, outcome, [&](size_t p, EvaluationMethods& own) {
    MethodMeasures rows;
    const Sequence& sequence = sequences[places[p].sequence];
    const size_t other_index = places[p].other - 1;
    const cv::Matx33d h1_from_0 = ReadHomography(sequence.homographies[other_index]);
    const auto first = firsts.Get(places[p].sequence, [&] { return ReadView(sequence.images[0], own); });
    const View other = ReadView(sequence.images[other_index + 1], own);
    HomographyPair pair;
    pair.h1_from_0 = other.resized_from_original * h1_from_0 * first->resized_from_original.inv();
    pair.size0 = first->size;
    pair.size1 = other.size;
    for (size_t m = 0; m < own.labels().size(); ++m) {
      static_cast<MatchedPair2d&>(pair) = own.Match(m, first->features, other.features);
      rows[own.labels()[m]] = MeasureSequencePair(pair);
    }
    return rows;
  });
  for (auto& [label, rows] : outcome.rows.rows) {
    outcome.report.settings["ransac_threshold_px of " + label] = std::to_string(TakeBestRansac(rows));
  }
  return outcome;
}

}  // namespace colmatch
