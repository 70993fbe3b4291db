// `colmatch prepare_shards`: a folder of photos to a training shard with keypoint labels.
#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <opencv2/imgproc.hpp>

#include "network/weights.h"
#include "plugin/commands/command_list.h"
#include "plugin/photos/image_reader.h"
#include "plugin/photos/image_resize.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "training/data/keypoint_labels.h"
#include "training/data/shards.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Warps and training patches need some room; a photo of a pixel or two has no place for either.
constexpr int kMinPhotoSide = 16;  // pixels, as stored

// "SET=WEIGHT" entries by set.
std::map<std::string, float> ParseSetWeights(const std::vector<std::string>& entries) {
  std::map<std::string, float> weights;
  for (const std::string& entry : entries) {
    const auto equals = entry.find('=');
    const char* number = entry.data() + (equals == std::string::npos ? entry.size() : equals + 1);
    const char* end = entry.data() + entry.size();
    float weight = 0;
    const auto [rest, error] = std::from_chars(number, end, weight);
    if (error != std::errc() || rest != end || !std::isfinite(weight) || weight <= 0) {
      throw UsageError("--set_weight: expected SET=WEIGHT with a weight above 0, found " + entry);
    }
    weights[entry.substr(0, equals)] = weight;
  }
  return weights;
}

class PrepareShards : public Command {
 public:
  std::string name() const override { return "prepare_shards"; }
  std::string description() const override {
    return "Decode photos and label their keypoints, into one file that `colmatch train` reads";
  }
  std::string examples() const override {
    return "  colmatch prepare_shards --image_path PHOTOS --output train.shard\n"
           "  colmatch prepare_shards --image_path PHOTOS --set_weight flowers=0.3 --output train.shard\n"
           "  colmatch prepare_shards --image_path PHOTOS --teacher weights/default --output round2.shard";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--image_path", image_path_, "folder of photos; its sub-folders are the data sets")
        ->required();
    AddOption(app, "--output", output_, "shard to write")->required();
    AddOption(app, "--max_image_size", max_image_size_, "longer side of the stored photos, pixels");
    AddOption(app, "--teacher", teacher_,
              "teacher that labels keypoints: hessian (peaks of the Hessian's determinant) or a SuperPoint "
              "weights file");
    AddOption(app, "--teacher_threshold", teacher_threshold_,
              "minimum detection probability of a label by a SuperPoint teacher");
    AddOption(app, "--num_warps", adaptation_.num_warps,
              "number of warped views in which each photo is labelled");
    AddOption(app, "--min_repeatability", adaptation_.min_repeatability,
              "minimum share of views in which a label must be detected");
    AddOption(app, "--max_labels", adaptation_.max_labels, "maximum number of labels per photo");
    AddOption(app, "--set_weight", set_weights_,
              "SET=WEIGHT: how often photos of a sub-folder are drawn (default 1)");
  }

  int Run(const CommonOptions& common) override {
    weight_of_set_ = ParseSetWeights(set_weights_);
    const auto names = ListImages(image_path_);
    const Detector teacher = MakeTeacher();
    std::vector<ShardPhoto> photos;
    size_t skipped = 0, num_labels = 0;
    ProgressBar bar("labelling", static_cast<int64_t>(names.size()), common.progress);
    for (size_t i = 0; i < names.size(); ++i) {
      if (StopRequested()) return StopStatus();
      try {
        photos.push_back(MakePhoto(names[i], teacher, common.random_seed, i));
        num_labels += photos.back().labels.size();
      } catch (const InputError& error) {
        LogWarning(std::string("left out ") + error.what());
        ++skipped;
      }
      bar.Update(static_cast<int64_t>(i) + 1);
    }
    if (photos.empty())
      throw UsageError(image_path_ + ": none of its " + std::to_string(names.size()) + " photos can be used");
    WriteShard(output_, photos);
    LogInfo(output_ + ": " + std::to_string(photos.size()) + " photos, " +
            std::to_string(num_labels / photos.size()) + " labels each; " + std::to_string(skipped) +
            " left out");
    return skipped == 0 ? 0 : 2;
  }

 private:
  Detector MakeTeacher() const {
    if (teacher_ == "hessian") return HessianDetector(PeakOptions{});
    return SuperPointDetector(LoadSuperPoint(teacher_).network, teacher_threshold_, adaptation_.nms_radius,
                              2000);
  }

  ShardPhoto MakePhoto(const std::string& name, const Detector& teacher, uint64_t seed, size_t index) const {
    const auto resized = ResizeForNetwork(ReadGrayImage(fs::path(image_path_) / name).gray, max_image_size_);
    if (std::min(resized.pixels.cols, resized.pixels.rows) < kMinPhotoSide) {
      throw InputError(name + ": too small to train on: " + std::to_string(resized.pixels.cols) + "x" +
                       std::to_string(resized.pixels.rows) + " pixels, at least " +
                       std::to_string(kMinPhotoSide) + " a side are needed");
    }
    cv::Mat bytes;
    resized.pixels.convertTo(bytes, CV_8U, 255.0);
    ShardPhoto photo;
    photo.name = name;
    photo.set = name.substr(0, name.find('/'));
    const auto weight = weight_of_set_.find(photo.set);
    if (weight != weight_of_set_.end()) photo.weight = weight->second;
    photo.width = bytes.cols;
    photo.height = bytes.rows;
    photo.pixels.assign(bytes.data, bytes.data + bytes.total());
    Rng rng(seed, 0, index);
    photo.labels = AdaptLabels(GrayFromBytes(bytes.data, bytes.cols, bytes.rows), teacher, adaptation_, rng);
    return photo;
  }

  std::string image_path_, output_, teacher_ = "hessian";
  int max_image_size_ = 640;
  double teacher_threshold_ = 0.015;
  AdaptationOptions adaptation_;
  std::vector<std::string> set_weights_;
  std::map<std::string, float> weight_of_set_;
};

}  // namespace

std::unique_ptr<Command> MakePrepareShardsCommand() { return std::make_unique<PrepareShards>(); }

}  // namespace colmatch
