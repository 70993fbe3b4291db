// SuperPoint's training; see superpoint_trainer.h.
#include "training/superpoint_trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>

#include "training/prefetch.h"

namespace colmatch {
namespace {

SuperPointBatch ToDevice(SuperPointBatch batch, const torch::Device& device) {
  for (torch::Tensor* t :
       {&batch.images, &batch.cell_labels, &batch.points_a, &batch.points_b, &batch.valid}) {
    *t = t->to(device, /*non_blocking=*/true);
  }
  return batch;
}

// He's initialisation: the default one shrinks the signal through ten rectified layers.
void Initialize(SuperPoint& network, uint64_t seed) {
  torch::manual_seed(seed);
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    auto& value = item.value();
    if (value.dim() == 4) torch::nn::init::kaiming_normal_(value, 0.0, torch::kFanIn, torch::kReLU);
    if (value.dim() == 1 && item.key().find("conv") == 0) value.zero_();
  }
}

std::map<std::string, double> Metrics(const SuperPointLoss& loss) {
  return {
      {"detector_loss", loss.detector}, {"descriptor_loss", loss.descriptor}, {"accuracy", loss.accuracy}};
}

std::vector<ShardPhoto> Select(const std::vector<ShardPhoto>& photos, const std::vector<int64_t>& indices) {
  std::vector<ShardPhoto> selected;
  for (const int64_t i : indices) selected.push_back(photos[i]);
  return selected;
}

}  // namespace

SuperPoint TrainSuperPoint(const std::vector<ShardPhoto>& photos, const SuperPointTrainingOptions& options,
                           const TrainHooks& user_hooks) {
  const PhotoSplit split = SplitPhotos(static_cast<int64_t>(photos.size()), options.validation_share);
  const auto training = Select(photos, split.training), validation = Select(photos, split.validation);
  const PhotoSampler sampler(training);
  const torch::Device device(options.device);
  SuperPoint network(options.architecture);
  Initialize(network, options.data.seed);
  network->to(device);

  const double rising_steps = std::max(1.0, options.curriculum_share * options.loop.schedule.num_steps);
  Prefetcher<SuperPointBatch> batches([&](int64_t step) {
    const double difficulty = std::min(1.0, 0.5 + 0.5 * step / rising_steps);
    return MakeSuperPointBatch(training, sampler, options.data, static_cast<uint64_t>(step), difficulty);
  });
  TrainHooks hooks = user_hooks;
  hooks.step = [&](int64_t step) {
    const SuperPointBatch batch = ToDevice(batches.Get(step), device);
    const SuperPointLoss loss = ComputeSuperPointLoss(network->forward(batch.images), batch, options.loss);
    return StepResult{loss.total, Metrics(loss)};
  };
  const auto validation_sampler = validation.empty() ? nullptr : std::make_unique<PhotoSampler>(validation);
  if (validation_sampler) {
    hooks.validate = [&] {
      torch::NoGradGuard no_grad;
      std::map<std::string, double> sums;
      for (int i = 0; i < options.validation_batches; ++i) {
        const auto batch = ToDevice(
            MakeSuperPointBatch(validation, *validation_sampler, options.data, static_cast<uint64_t>(i), 1.0),
            device);
        const auto loss = ComputeSuperPointLoss(network->forward(batch.images), batch, options.loss);
        for (const auto& [name, value] : Metrics(loss)) sums[name] += value / options.validation_batches;
      }
      return sums;
    };
  }
  RunTraining(*network, options.loop, hooks);
  network->to(torch::kCPU);
  network->eval();
  return FoldBatchNorm(network);
}

}  // namespace colmatch
