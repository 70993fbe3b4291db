// SuperGlue's training; see superglue_trainer.h.
#include "training/superglue_trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "network/error.h"
#include "network/sinkhorn.h"
#include "training/prefetch.h"
#include "training/superglue_loss.h"

namespace colmatch {
namespace {

struct Batch {
  SuperGlueInput input0, input1;
  torch::Tensor matches0, matches1;  // (B, n) labels
};

SuperGlueInput Gather(const FeatureSet& set, const std::vector<int64_t>& views, int64_t n,
                      const torch::Device& device) {
  const auto index = torch::tensor(views, torch::kLong);
  SuperGlueInput input;
  const auto keypoints = set.keypoints.index_select(0, index).narrow(1, 0, n);
  input.keypoints = NormalizeKeypoints(keypoints, set.view_width, set.view_height).to(device);
  input.scores = set.scores.index_select(0, index).narrow(1, 0, n).to(device);
  input.descriptors = set.descriptors.index_select(0, index).narrow(2, 0, n).to(torch::kFloat).to(device);
  return input;
}

// Pairs of two different views of one of the photos, a pure function of the step.
Batch MakeBatch(const FeatureSet& set, const SuperGlueTrainingOptions& o, const std::vector<int64_t>& photos,
                int64_t batch_size, int64_t step, int64_t min_keypoints) {
  Rng rng(o.seed, static_cast<uint64_t>(step), 0);
  const int64_t limit = set.keypoints.size(1);
  const int64_t low = std::min(limit, min_keypoints), high = std::min<int64_t>(limit, o.max_keypoints);
  const int64_t n = low + rng.Below(high - low + 1);
  std::vector<int64_t> views0, views1;
  std::vector<torch::Tensor> matches0, matches1;
  for (int64_t i = 0; i < batch_size; ++i) {
    const int64_t photo = photos[rng.Below(static_cast<int64_t>(photos.size()))];
    const int64_t a = rng.Below(set.views_per_photo), other = rng.Below(set.views_per_photo - 1);
    views0.push_back(photo * set.views_per_photo + a);
    views1.push_back(photo * set.views_per_photo + other + (other >= a));
    const Homography h1_from_0 =
        set.PhotoFromView(views1.back()).Inverse() * set.PhotoFromView(views0.back());
    const auto labels =
        MatchByHomography(set.keypoints[views0.back()].narrow(0, 0, n),
                          set.keypoints[views1.back()].narrow(0, 0, n), h1_from_0, o.ground_truth);
    matches0.push_back(labels.matches0);
    matches1.push_back(labels.matches1);
  }
  const torch::Device device(o.device);
  return {Gather(set, views0, n, device), Gather(set, views1, n, device), torch::stack(matches0).to(device),
          torch::stack(matches1).to(device)};
}

torch::Tensor BatchLoss(SuperGlue& network, const Batch& batch, const SuperGlueTrainingOptions& o) {
  const auto loss_of = [&](const torch::Tensor& scores) {
    const auto assignment = ScalingSinkhorn(scores, network->bin_score, o.sinkhorn_iterations);
    return AssignmentLoss(assignment, batch.matches0, batch.matches1);
  };
  std::vector<torch::Tensor> inner;
  const auto scores = network->forward(batch.input0, batch.input1, o.deep_supervision > 0 ? &inner : nullptr);
  auto loss = loss_of(scores);
  for (const auto& inner_scores : inner) {
    loss = loss + o.deep_supervision / static_cast<double>(inner.size()) * loss_of(inner_scores);
  }
  return loss;
}

// The matches of a batch at the usual threshold.
MatchCounts CountAssigned(const torch::Tensor& assignment, const torch::Tensor& labels) {
  MatchCounts counts;
  for (int64_t b = 0; b < assignment.size(0); ++b) {
    const auto found = MatchesFromLogAssignment(assignment[b], SuperGlueOptions{}.match_threshold);
    counts += CountMatches(found.matches0.cpu(), labels[b].cpu());
  }
  return counts;
}

MatchCounts CountMutualNearest(const Batch& batch) {
  const auto cosine = torch::bmm(batch.input0.descriptors.transpose(1, 2), batch.input1.descriptors);
  MatchCounts counts;
  for (int64_t b = 0; b < cosine.size(0); ++b) {
    const auto best0 = cosine[b].argmax(1), best1 = cosine[b].argmax(0);
    const auto mutual = best1.index_select(0, best0) == torch::arange(best0.size(0), best0.options());
    const auto matches0 = torch::where(mutual, best0, torch::full_like(best0, kUnmatched));
    counts += CountMatches(matches0.cpu(), batch.matches0[b].cpu());
  }
  return counts;
}

// Precision and recall on held-out photos, all keypoints, beside mutual nearest neighbours of the same
// features.
std::map<std::string, double> Validate(SuperGlue& network, const FeatureSet& set,
                                       const SuperGlueTrainingOptions& o,
                                       const std::vector<int64_t>& photos) {
  torch::NoGradGuard no_grad;
  MatchCounts superglue, nearest;
  double loss = 0;
  const int64_t batches = std::max(1, o.validation_pairs / o.batch_size);
  for (int64_t i = 0; i < batches; ++i) {
    const Batch batch = MakeBatch(set, o, photos, o.batch_size, i, o.max_keypoints);
    const auto scores = network->forward(batch.input0, batch.input1);
    const auto assignment = ScalingSinkhorn(scores, network->bin_score, 50);
    loss += AssignmentLoss(assignment, batch.matches0, batch.matches1).item<double>() /
            static_cast<double>(batches);
    superglue += CountAssigned(assignment, batch.matches0);
    nearest += CountMutualNearest(batch);
  }
  return {{"loss", loss},
          {"precision", superglue.precision()},
          {"recall", superglue.recall()},
          {"mutual_precision", nearest.precision()},
          {"mutual_recall", nearest.recall()}};
}

// The largest offset of the dustbin's score, in steps of 0.05, at which recall is still o.calibration_recall
// times that of mutual nearest neighbours; 0 where there is none.
double DustbinOffset(SuperGlue& network, const FeatureSet& set, const SuperGlueTrainingOptions& o,
                     const std::vector<int64_t>& photos) {
  torch::NoGradGuard no_grad;
  network->eval();
  std::vector<std::pair<torch::Tensor, torch::Tensor>> batches;  // coupling scores, labels
  MatchCounts nearest;
  for (int64_t i = 0; i < std::max(1, o.validation_pairs / o.batch_size); ++i) {
    const Batch batch = MakeBatch(set, o, photos, o.batch_size, i, o.max_keypoints);
    batches.emplace_back(network->forward(batch.input0, batch.input1), batch.matches0);
    nearest += CountMutualNearest(batch);
  }
  for (double offset = 3; offset > 0; offset -= 0.05) {
    MatchCounts counts;
    for (const auto& [scores, labels] : batches) {
      counts += CountAssigned(ScalingSinkhorn(scores, network->bin_score + offset, 50), labels);
    }
    if (counts.recall() >= o.calibration_recall * nearest.recall()) return offset;
  }
  return 0;
}

void RequireTrainable(const FeatureSet& features, const SuperGlueTrainingOptions& o) {
  if (features.views_per_photo < 2 || features.num_photos() < 2) {
    throw InputError(
        "train superglue: at least two views of each of two photos are needed (one is held out), found " +
        std::to_string(features.views_per_photo) + " views of " + std::to_string(features.num_photos()));
  }
  if (o.min_keypoints < 1 || o.max_keypoints < o.min_keypoints) {
    throw UsageError("SuperGlue.min_keypoints must be in [1, max_keypoints = " +
                     std::to_string(o.max_keypoints) + "], found " + std::to_string(o.min_keypoints));
  }
}

}  // namespace

SuperGlue TrainSuperGlue(const FeatureSet& features, const SuperGlueTrainingOptions& o, SuperGlue network,
                         const TrainHooks& user_hooks) {
  RequireTrainable(features, o);
  if (network.is_empty()) {
    torch::manual_seed(o.seed);
    network = SuperGlue(o.architecture);
    network->InitializeAsNearestNeighbor(o.initial_gain);
  }
  network->to(torch::Device(o.device));
  const PhotoSplit split = SplitPhotos(features.num_photos(), o.validation_share);

  Prefetcher<Batch> batches([&](int64_t step) {
    return MakeBatch(features, o, split.training, o.batch_size, step, o.min_keypoints);
  });
  TrainHooks hooks = user_hooks;
  hooks.step = [&](int64_t step) { return StepResult{BatchLoss(network, batches.Get(step), o), {}}; };
  if (!split.validation.empty())
    hooks.validate = [&] { return Validate(network, features, o, split.validation); };
  RunTraining(*network, o.loop, hooks);
  if (o.calibration_recall > 0 && !split.validation.empty()) {
    torch::NoGradGuard no_grad;
    network->bin_score.add_(DustbinOffset(network, features, o, split.validation));
  }
  network->to(torch::kCPU);
  network->eval();
  return network;
}

}  // namespace colmatch
