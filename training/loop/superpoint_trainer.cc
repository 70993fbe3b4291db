// SuperPoint's training; see superpoint_trainer.h.
#include "training/loop/superpoint_trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "network/flops.h"
#include "training/data/descriptor_targets.h"
#include "training/data/prefetch.h"
#include "training/losses/descriptor_fit.h"
#include "util/error.h"

namespace colmatch {
namespace {

SuperPointBatch ToDevice(SuperPointBatch batch, const torch::Device& device) {
  for (torch::Tensor* t : {&batch.images, &batch.cell_labels, &batch.points_a, &batch.points_b, &batch.valid,
                           &batch.targets, &batch.taught}) {
    if (t->defined()) *t = t->to(device, /*non_blocking=*/true);
  }
  return batch;
}

// He's initialisation: the default one shrinks the signal through ten rectified layers.
SuperPoint Fresh(const SuperPointTrainingOptions& options) {
  SuperPoint network(options.architecture);
  torch::manual_seed(options.data.seed);
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    auto& value = item.value();
    if (value.dim() == 4) torch::nn::init::kaiming_normal_(value, 0.0, torch::kFanIn, torch::kReLU);
    if (value.dim() == 1 && item.key().find("conv") == 0) value.zero_();
  }
  return network;
}

// The initial network in the widths and the training form that are requested.
SuperPoint Adapted(SuperPoint& initial, const SuperPointTrainingOptions& options,
                   const torch::Tensor& images) {
  torch::manual_seed(options.data.seed);
  SuperPoint network = Widen(initial, options.architecture);
  return options.architecture.batch_norm ? InsertBatchNorm(network, images) : network;
}

constexpr double kTaughtDescriptors = 5;  // weight beside the scores, of which the loss is larger

SuperPointOutput Taught(SuperPoint& teacher, const torch::Tensor& images) {
  torch::NoGradGuard no_grad;
  return teacher->forward(images);
}

std::map<std::string, double> Metrics(const SuperPointLoss& loss, bool with_targets) {
  std::map<std::string, double> metrics = {{"detector_loss", loss.detector},
                                           {"descriptor_loss", loss.descriptor},
                                           {"accuracy", loss.accuracy},
                                           {"near_accuracy", loss.near_accuracy}};
  if (with_targets) {
    metrics["target_cosine"] = loss.target_cosine;
    metrics["target_accuracy"] = loss.target_accuracy;
  }
  return metrics;
}

std::vector<ShardPhoto> Select(const std::vector<ShardPhoto>& photos, const std::vector<int64_t>& indices) {
  std::vector<ShardPhoto> selected;
  for (const int64_t i : indices) selected.push_back(photos[i]);
  return selected;
}

constexpr int kFitBatches = 24;  // of the linear map to a teacher's descriptors

void RequireTargetDim(int descriptor_dim, const DescriptorTargets& targets) {
  if (targets.descriptor_dim == descriptor_dim) return;
  throw InputError("the teacher's descriptors have " + std::to_string(targets.descriptor_dim) +
                   " numbers, the network's " + std::to_string(descriptor_dim) +
                   "; choose a network with as many (--SuperPoint.descriptor_dim)");
}

using MakeBatch = std::function<SuperPointBatch(int64_t number)>;

// held_out may be empty: no validation.
SuperPoint Train(SuperPoint initial, const SuperPointTrainingOptions& options, const MakeBatch& training,
                 const MakeBatch& held_out, const TrainHooks& user_hooks) {
  const torch::Device device(options.loop.device);
  SuperPoint network =
      initial.is_empty() ? Fresh(options) : Adapted(initial, options, training(0).images.cpu());
  network->to(device);
  SuperPoint teacher = options.teacher;
  if (!teacher.is_empty()) {
    teacher->to(device);
    teacher->eval();
  }
  const auto loss_of = [&](const SuperPointBatch& batch) {
    const SuperPointOutput output = network->forward(batch.images);
    SuperPointLoss loss = ComputeSuperPointLoss(output, batch, options.loss);
    if (!teacher.is_empty()) {
      const auto taught = SuperPointDistillation(output, Taught(teacher, batch.images), kTaughtDescriptors);
      loss.total = (1 - options.teacher_weight) * loss.total + options.teacher_weight * taught;
    }
    return loss;
  };
  // Pictures made on the device draw their noise from its one generator, so one after the other.
  Prefetcher<SuperPointBatch> batches(OrderOfBatches(options.loop, user_hooks), training,
                                      options.images_on_device ? 1 : options.loop.num_workers);
  TrainHooks hooks = user_hooks;
  if (!options.constraint.IsEmpty()) hooks.constrain = [&] { options.constraint.Apply(*network); };
  hooks.step = [&](int64_t number) {
    const SuperPointBatch batch = ToDevice(batches.Get(number), device);
    const SuperPointLoss loss = loss_of(batch);
    const double image = SuperPointFlops(network->architecture(), batch.images.size(2), batch.images.size(3));
    return StepResult{loss.total, Metrics(loss, batch.targets.defined()),
                      static_cast<double>(batch.images.size(0)) * image};
  };
  if (held_out) {
    hooks.validate = [&] {
      torch::NoGradGuard no_grad;
      std::map<std::string, double> means;
      for (int i = 0; i < options.validation_batches; ++i) {
        const SuperPointBatch batch = ToDevice(held_out(i), device);
        const SuperPointLoss loss = loss_of(batch);
        for (const auto& [name, value] : Metrics(loss, batch.targets.defined()))
          means[name] += value / options.validation_batches;
        means["loss"] += loss.total.item<double>() / options.validation_batches;
      }
      return means;
    };
  }
  RunTraining(*network, options.loop, hooks);
  network->to(torch::kCPU);
  network->eval();
  return FoldBatchNorm(network);
}

}  // namespace

SuperPoint TrainSuperPoint(const std::vector<ShardPhoto>& photos, const SuperPointTrainingOptions& options,
                           SuperPoint initial, const TrainHooks& hooks) {
  const PhotoSplit split = SplitPhotos(static_cast<int64_t>(photos.size()), options.validation_share);
  const auto training = Select(photos, split.training), validation = Select(photos, split.validation);
  const PhotoSampler sampler(training);
  const auto held_out_sampler = validation.empty() ? nullptr : std::make_unique<PhotoSampler>(validation);
  const double rising_steps = std::max(1.0, options.curriculum_share * options.loop.schedule.num_steps);
  const auto on_device = options.images_on_device
                             ? std::make_unique<DevicePhotos>(training, torch::Device(options.loop.device))
                             : nullptr;
  const bool with_targets = training.front().targets != nullptr;
  const auto make_training = [&](int64_t number) {
    const double progress = static_cast<double>(number / options.loop.batches_per_step) / rising_steps;
    return MakeSuperPointBatch(training, sampler, options.data, static_cast<uint64_t>(number),
                               std::min(1.0, 0.5 + 0.5 * progress), on_device.get());
  };
  const auto make_held_out = [&](int64_t number) {
    return MakeSuperPointBatch(validation, *held_out_sampler, options.data, static_cast<uint64_t>(number),
                               1.0);
  };
  if (with_targets) RequireTargetDim(options.architecture.descriptor_dim, *training.front().targets);
  if (with_targets && !initial.is_empty()) {
    initial = Widen(initial, initial->architecture());  // the caller's stays as it was
    FitDescriptors(initial, kFitBatches, make_training);
  }
  return Train(std::move(initial), options, make_training,
               held_out_sampler ? MakeBatch(make_held_out) : nullptr, hooks);
}

SuperPoint TrainMagicPoint(const SuperPointTrainingOptions& options, SuperPoint initial,
                           const TrainHooks& hooks) {
  SuperPointTrainingOptions detector_only = options;
  detector_only.loss.descriptor_weight = 0;
  detector_only.data.num_correspondences = 1;
  const auto make = [&](int64_t number) {
    return MakeMagicPointBatch(detector_only.data, static_cast<uint64_t>(number));
  };
  constexpr int64_t kHeldOut = int64_t{1} << 40;  // pictures that no training reaches
  const auto make_held_out = [&](int64_t number) { return make(kHeldOut + number); };
  return Train(std::move(initial), detector_only, make, make_held_out, hooks);
}

}  // namespace colmatch
