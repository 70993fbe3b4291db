// `colmatch match IMAGE0 IMAGE1`: one pair, as numbers, JSON and a picture.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "matcher/devices.h"
#include "matcher/matched_list.h"
#include "plugin/commands/command_list.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/precision_choice.h"
#include "plugin/matching/matching_options.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/photos/image_reader.h"
#include "plugin/report/match_picture.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct MatchedImage {
  std::string name;
  cv::Mat gray;
  std::vector<cv::Point2f> keypoints;  // original pixels
  Features features;
};

nlohmann::ordered_json ToJson(const MatchedImage& image) {
  nlohmann::ordered_json json;
  json["name"] = image.name;
  json["width"] = image.gray.cols;
  json["height"] = image.gray.rows;
  json["keypoints"] = nlohmann::json::array();
  for (const auto& p : image.keypoints) json["keypoints"].push_back({p.x, p.y});
  const auto scores = image.features.scores.contiguous();
  json["scores"] = std::vector<float>(scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel());
  return json;
}

class Match : public Command {
 public:
  std::string name() const override { return "match"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match two photos; write the matches as JSON or as a picture";
  }
  std::string examples() const override {
    return "  colmatch match a.jpg b.jpg --png matches.png\n  colmatch match a.jpg b.jpg --json matches.json";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "image0", paths_[0], "first photo")->required();
    AddOption(app, "image1", paths_[1], "second photo")->required();
    AddOption(app, "--json", json_path_, "file for keypoints, scores, matches and times, as JSON");
    AddOption(app, "--png", png_path_,
              "picture to write: both photos side by side, matches coloured by confidence");
    extraction_.AddTo(app, false);
    matching_.AddTo(app, false, true);
  }

  int Run(const CommonOptions& given) override {
    const CommonOptions common = WithPrecision(given);
    const FeaturePipelineOptions extraction = extraction_.Resolve();
    const MatchingPipelineOptions matching = matching_.Resolve();
    const torch::Device device = DeviceFromName(common.device);
    PhotoExtractor extractor(extraction, common, device);
    UsedWeights superglue;
    const MatcherParts parts(matching, common, superglue);
    const auto matcher = parts.On(device);

    MatchedImage images[2];
    double extract_ms = 0;
    for (int i = 0; i < 2; ++i) images[i] = Extract(extractor, paths_[i], extract_ms);
    const auto start = Clock::now();
    const auto matches = ListMatches(matcher->Match(images[0].features, images[1].features));
    const double match_ms = MillisecondsSince(start);
    std::cout << images[0].keypoints.size() << " and " << images[1].keypoints.size() << " keypoints, "
              << matches.size() << " matches\n";
    parts.SaySkippedPairs();
    if (!json_path_.empty()) WriteJson(images, matches, extract_ms, match_ms);
    if (!png_path_.empty()) WritePicture(images, matches);
    return 0;
  }

 private:
  static MatchedImage Extract(PhotoExtractor& extractor, const std::string& path, double& ms) {
    const Photo photo = extractor.Read(path);
    if (!photo.error.empty()) throw InputError(photo.error);
    MatchedImage image;
    image.name = path;
    image.gray = ReadGrayImage(path).gray;
    const auto start = Clock::now();
    const Features features = extractor.Extract(photo);
    ms += MillisecondsSince(start);
    const auto keypoints = features.keypoints.contiguous();
    const float* xy = keypoints.data_ptr<float>();
    for (int64_t i = 0; i < features.size(); ++i) image.keypoints.emplace_back(xy[2 * i], xy[2 * i + 1]);
    image.features = AsTurned(features, photo.quarter_turns);
    return image;
  }

  void WriteJson(const MatchedImage* images, const std::vector<MatchedPair>& matches, double extract_ms,
                 double match_ms) const {
    nlohmann::ordered_json json;
    json["image0"] = ToJson(images[0]);
    json["image1"] = ToJson(images[1]);
    json["matches"] = nlohmann::json::array();
    for (const MatchedPair& m : matches) json["matches"].push_back({m.index0, m.index1, m.confidence});
    json["timing_ms"] = {{"superpoint", extract_ms}, {"superglue", match_ms}};
    WriteFileAtomically(json_path_, json.dump() + "\n");
  }

  void WritePicture(const MatchedImage* images, const std::vector<MatchedPair>& matches) const {
    std::vector<std::pair<int, int>> pairs;
    std::vector<float> confidences;
    for (const MatchedPair& m : matches) {
      pairs.emplace_back(m.index0, m.index1);
      confidences.push_back(m.confidence);
    }
    const cv::Mat picture =
        DrawMatches(images[0].gray, images[0].keypoints, images[1].gray, images[1].keypoints, pairs,
                    confidences, std::to_string(matches.size()) + " matches");
    std::vector<unsigned char> bytes;
    cv::imencode(".png", picture, bytes);
    WriteFileAtomically(png_path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  std::string paths_[2], json_path_, png_path_;
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

}  // namespace

std::unique_ptr<Command> MakeMatchCommand() { return std::make_unique<Match>(); }

}  // namespace colmatch
