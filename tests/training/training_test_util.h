// What the tests of training share: photos with a smooth texture, tiny trainings, and comparing networks by
// bytes.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "training/loop/superpoint_trainer.h"

namespace colmatch {

// Waves of random direction, smooth enough that sampling between pixels is exact to 1 %, and labels at least
// label_spacing pixels from each other.
inline ShardPhoto TexturePhoto(uint64_t seed, int width = 160, int height = 120, int label_spacing = 20) {
  ShardPhoto photo;
  photo.name = "texture" + std::to_string(seed);
  photo.set = "test";
  photo.width = width;
  photo.height = height;
  Rng rng(seed, 0, 0);
  std::vector<double> waves;
  for (int i = 0; i < 6; ++i) {
    waves.insert(waves.end(), {rng.Uniform(-0.25, 0.25), rng.Uniform(-0.25, 0.25), rng.Uniform(0, 6.28)});
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double value = 127.5;
      for (int i = 0; i < 6; ++i)
        value += 20 * std::sin(waves[3 * i] * x + waves[3 * i + 1] * y + waves[3 * i + 2]);
      photo.pixels.push_back(static_cast<uint8_t>(std::lround(value)));
    }
  }
  for (int y = 8; y + 8 < height; y += label_spacing) {
    for (int x = 8; x + 8 < width; x += label_spacing) {
      photo.labels.push_back({x + 0.3f, y - 0.2f, static_cast<float>(rng.Uniform(0.4, 1))});
    }
  }
  return photo;
}

// Six steps of a network of four to eight channels on 64 x 64 pixels. The shards' labels, because a peak of
// the image may come and go with a rounding error.
inline SuperPointTrainingOptions TinySuperPointTraining(const std::string& run_folder, bool resume = false) {
  SuperPointTrainingOptions options;
  options.architecture = {{4, 4, 8, 8}, 8, 8, true, DescriptorSampling::kCellCentres};
  options.data.labels = LabelSource::kShards;
  options.data.patch_width = options.data.patch_height = 64;
  options.data.batch_size = 1;
  options.data.num_correspondences = 32;
  options.data.seed = 3;
  options.loop.run_folder = run_folder;
  options.loop.resume = resume;
  options.loop.schedule.num_steps = 6;
  options.loop.schedule.warmup_steps = 2;
  options.loop.schedule.learning_rate = 1e-2;
  options.loop.log_every = 1;
  options.loop.validate_every = 0;
  options.validation_share = 0;
  return options;
}

// Hooks that set the stop flag once so many steps are done, as a signal would, and keep what is reported.
class Recorder {
 public:
  explicit Recorder(int64_t stop_at_step = -1) : stop_at_step_(stop_at_step) {}

  TrainHooks Hooks() {
    TrainHooks hooks;
    hooks.stop = &stop_;
    hooks.report = [this](const TrainProgress& progress) {
      reports.push_back(progress);
      if (progress.step == stop_at_step_) stop_ = true;
    };
    return hooks;
  }
  std::vector<double> Losses() const {
    std::vector<double> losses;
    for (const TrainProgress& report : reports) {
      if (!report.validation) losses.push_back(report.metrics.at("loss"));
    }
    return losses;
  }

  std::vector<TrainProgress> reports;

 private:
  int64_t stop_at_step_;
  std::atomic<bool> stop_{false};
};

inline bool SameBytes(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

// Names the first parameter or buffer that differs.
inline testing::AssertionResult SameBytes(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto same = [](const auto& these, const auto& those) -> std::string {
    if (these.size() != those.size()) return "their number";
    for (const auto& item : these) {
      if (!those.contains(item.key()) || !SameBytes(item.value(), those[item.key()])) return item.key();
    }
    return "";
  };
  std::string difference = same(a.named_parameters(), b.named_parameters());
  if (difference.empty()) difference = same(a.named_buffers(), b.named_buffers());
  if (difference.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "differs: " << difference;
}

}  // namespace colmatch
