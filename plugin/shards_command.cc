// `colmatch prepare_shards`: a folder of photos to a training shard with keypoint labels.
#include <filesystem>
#include <fstream>
#include <thread>

#include <torch/torch.h>

#include <opencv2/imgproc.hpp>

#include "network/error.h"
#include "network/weights.h"
#include "plugin/command_list.h"
#include "plugin/image_reader.h"
#include "plugin/image_resize.h"
#include "plugin/log.h"
#include "plugin/progress.h"
#include "training/corner_labels.h"
#include "training/shards.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

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
    AddOption(app, "--image_path", image_path_, "folder of photos; its sub-folders are the data sets")->required();
    AddOption(app, "--output", output_, "the shard to write")->required();
    AddOption(app, "--max_image_size", max_image_size_, "longer side of the stored photos, pixels");
    AddOption(app, "--teacher", teacher_,
              "who labels keypoints: corners (minimum eigenvalue) or a SuperPoint weights file");
    AddOption(app, "--teacher_threshold", teacher_threshold_, "least detection probability of a SuperPoint teacher");
    AddOption(app, "--num_warps", adaptation_.num_warps, "views a photo is labelled in");
    AddOption(app, "--min_repeatability", adaptation_.min_repeatability, "share of views that must find a label");
    AddOption(app, "--max_labels", adaptation_.max_labels, "per photo");
    AddOption(app, "--set_weight", set_weights_, "SET=WEIGHT: how often photos of a sub-folder are drawn (default 1)");
  }

  int Run(const CommonOptions& common) override {
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
    if (photos.empty()) throw UsageError(image_path_ + ": none of its " + std::to_string(names.size()) + " files is a photo");
    WriteShard(output_, photos);
    LogInfo(output_ + ": " + std::to_string(photos.size()) + " photos, " + std::to_string(num_labels / photos.size()) +
            " labels each; " + std::to_string(skipped) + " files that are not photos left out");
    return 0;
  }

 private:
  Detector MakeTeacher() const {
    if (teacher_ == "corners") return MinimumEigenvalueDetector(CornerOptions{});
    return SuperPointDetector(LoadSuperPoint(teacher_).network, teacher_threshold_, adaptation_.nms_radius, 2000);
  }

  ShardPhoto MakePhoto(const std::string& name, const Detector& teacher, uint64_t seed, size_t index) const {
    const auto resized = ResizeForNetwork(ReadGrayImage(fs::path(image_path_) / name).gray, max_image_size_);
    cv::Mat bytes;
    resized.pixels.convertTo(bytes, CV_8U, 255.0);
    ShardPhoto photo;
    photo.name = name;
    photo.set = name.substr(0, name.find('/'));
    photo.weight = WeightOf(photo.set);
    photo.width = bytes.cols;
    photo.height = bytes.rows;
    photo.pixels.assign(bytes.data, bytes.data + bytes.total());
    Rng rng(seed, 0, index);
    photo.labels = AdaptLabels(GrayFromBytes(bytes.data, bytes.cols, bytes.rows), teacher, adaptation_, rng);
    return photo;
  }

  float WeightOf(const std::string& set) const {
    for (const std::string& entry : set_weights_) {
      const auto equals = entry.find('=');
      if (equals == std::string::npos) throw UsageError("--set_weight: expected SET=WEIGHT, found " + entry);
      if (entry.substr(0, equals) == set) return std::stof(entry.substr(equals + 1));
    }
    return 1;
  }

  std::string image_path_, output_, teacher_ = "corners";
  int max_image_size_ = 640;
  double teacher_threshold_ = 0.015;
  AdaptationOptions adaptation_;
  std::vector<std::string> set_weights_;
};

}  // namespace

std::unique_ptr<Command> MakePrepareShardsCommand() { return std::make_unique<PrepareShards>(); }

}  // namespace colmatch
