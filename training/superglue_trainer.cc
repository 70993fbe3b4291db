// SuperGlue's training; see superglue_trainer.h.
#include "training/superglue_trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "network/error.h"
#include "network/flops.h"
#include "network/sinkhorn.h"
#include "training/prefetch.h"
#include "training/superglue_loss.h"

namespace colmatch {
namespace {

struct Batch {
  SuperGlueInput input0, input1;
  torch::Tensor matches0, matches1;  // (B, n) labels
};

// A random affine map near identity for points in NormalizeKeypoints' frame; strength 0: identity.
torch::Tensor Displaced(const torch::Tensor& points, double strength, Rng& rng) {
  const double angle = strength * rng.Uniform(-0.2, 0.2), shear = strength * rng.Uniform(-0.1, 0.1);
  const double scale_x = std::exp(strength * rng.Uniform(-0.2, 0.2));
  const double scale_y = std::exp(strength * rng.Uniform(-0.2, 0.2));
  const double c = std::cos(angle), s = std::sin(angle);
  const auto map =
      torch::tensor({c * scale_x, s * scale_x, scale_y * (shear * c - s), scale_y * (shear * s + c)},
                    points.options())
          .view({2, 2});  // of row vectors
  const auto shift =
      torch::tensor({strength * rng.Uniform(-0.1, 0.1), strength * rng.Uniform(-0.1, 0.1)}, points.options());
  return torch::matmul(points, map) + shift;
}

SuperGlueInput Gather(const FeatureSet& set, const std::vector<int64_t>& views, int64_t n,
                      double augmentation, Rng& rng, const torch::Device& device) {
  const auto index = torch::tensor(views, torch::kLong);
  SuperGlueInput input;
  const auto keypoints = set.keypoints.index_select(0, index).narrow(1, 0, n);
  auto normalized = NormalizeKeypoints(keypoints, set.view_width, set.view_height);
  if (augmentation > 0) {
    std::vector<torch::Tensor> displaced;
    for (const auto& points : normalized.unbind(0)) displaced.push_back(Displaced(points, augmentation, rng));
    normalized = torch::stack(displaced);
  }
  input.keypoints = normalized.to(device);
  input.scores = set.scores.index_select(0, index).narrow(1, 0, n).to(device);
  input.descriptors = set.descriptors.index_select(0, index).narrow(2, 0, n).to(torch::kFloat).to(device);
  return input;
}

// What to draw a batch from.
struct PairDraw {
  const std::vector<int64_t>& photos;
  int64_t min_keypoints;
  double negative_share;
  double augmentation;
};

GroundTruthMatches LabelPair(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                             const GroundTruthOptions& options) {
  if (view0 / set.views_per_group != view1 / set.views_per_group) {
    const auto nothing = torch::full({n}, kUnmatched, torch::kLong);
    return {nothing, nothing};
  }
  return MatchViews(set, view0, view1, n, options);
}

// Pairs of two different views of one of the photos, or of two photos, a pure function of the step.
Batch MakeBatch(const FeatureSet& set, const SuperGlueTrainingOptions& o, const PairDraw& draw,
                int64_t step) {
  Rng rng(o.seed, static_cast<uint64_t>(step), 0);
  const int64_t limit = set.keypoints.size(1), num_photos = static_cast<int64_t>(draw.photos.size());
  const int64_t low = std::min(limit, draw.min_keypoints), high = std::min<int64_t>(limit, o.max_keypoints);
  const int64_t n = low + rng.Below(high - low + 1);
  std::vector<int64_t> views0, views1;
  std::vector<torch::Tensor> matches0, matches1;
  for (int64_t i = 0; i < o.batch_size; ++i) {
    const int64_t photo0 = rng.Below(num_photos), a = rng.Below(set.views_per_group);
    const int64_t other = rng.Below(set.views_per_group - 1);
    int64_t photo1 = photo0, b = other + (other >= a);
    if (num_photos > 1 && draw.negative_share > 0 && rng.Chance(draw.negative_share)) {
      photo1 = (photo0 + 1 + rng.Below(num_photos - 1)) % num_photos;
    }
    views0.push_back(draw.photos[photo0] * set.views_per_group + a);
    views1.push_back(draw.photos[photo1] * set.views_per_group + b);
    const auto labels = LabelPair(set, views0.back(), views1.back(), n, o.ground_truth);
    matches0.push_back(labels.matches0);
    matches1.push_back(labels.matches1);
  }
  const torch::Device device(o.loop.device);
  const auto input0 = Gather(set, views0, n, draw.augmentation, rng, device);
  const auto input1 = Gather(set, views1, n, draw.augmentation, rng, device);
  return {input0, input1, torch::stack(matches0).to(device), torch::stack(matches1).to(device)};
}

StepResult BatchLoss(SuperGlue& network, const Batch& batch, const SuperGlueTrainingOptions& o) {
  const auto assign = [&](const torch::Tensor& scores) {
    // In float32 whatever the network computed in: exponentials of scores need the range.
    return ScalingSinkhorn(scores.to(torch::kFloat), network->bin_score, o.sinkhorn_iterations);
  };
  const auto loss_of = [&](const torch::Tensor& assignment) {
    return AssignmentLoss(assignment, batch.matches0, batch.matches1);
  };
  std::vector<torch::Tensor> inner;
  const auto scores = network->forward(batch.input0, batch.input1, o.deep_supervision > 0 ? &inner : nullptr);
  const auto assignment = assign(scores);
  auto loss = loss_of(assignment);
  for (const auto& inner_scores : inner) {
    loss = loss + o.deep_supervision / static_cast<double>(inner.size()) * loss_of(assign(inner_scores));
  }
  if (!o.teacher.is_empty()) {
    const auto taught = [&] {
      torch::NoGradGuard no_grad;
      SuperGlue teacher = o.teacher;
      return ScalingSinkhorn(teacher->forward(batch.input0, batch.input1), teacher->bin_score,
                             o.sinkhorn_iterations);
    }();
    loss = (1 - o.teacher_weight) * loss + o.teacher_weight * AssignmentDistillation(assignment, taught);
  }
  const LabelCounts labels = CountLabels(assignment, batch.matches0, batch.matches1);
  const double pair = SuperGlueFlops(network->architecture(), scores.size(1), scores.size(2));
  return {loss,
          {{"accuracy", labels.accuracy()}, {"match_accuracy", labels.match_accuracy()}},
          static_cast<double>(scores.size(0)) * pair};
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

// A network's couplings of the held-out photos' pairs, all keypoints.
struct ScoredBatch {
  Batch batch;
  torch::Tensor scores;
};

int64_t NumHeldOutBatches(const SuperGlueTrainingOptions& o) {
  return std::max(1, o.validation_pairs / o.batch_size);
}

Batch HeldOutBatch(const FeatureSet& set, const SuperGlueTrainingOptions& o,
                   const std::vector<int64_t>& photos, double negative_share, int64_t number) {
  return MakeBatch(set, o, {photos, o.max_keypoints, negative_share, 0}, number);
}

std::vector<ScoredBatch> ScoreHeldOut(SuperGlue& network, const FeatureSet& set,
                                      const SuperGlueTrainingOptions& o, const std::vector<int64_t>& photos,
                                      double negative_share) {
  std::vector<ScoredBatch> scored;
  for (int64_t i = 0; i < NumHeldOutBatches(o); ++i) {
    Batch batch = HeldOutBatch(set, o, photos, negative_share, i);
    const auto scores = network->forward(batch.input0, batch.input1);
    scored.push_back({std::move(batch), scores});
  }
  return scored;
}

torch::Tensor HeldOutAssignment(const torch::Tensor& scores, const torch::Tensor& bin_score) {
  return ScalingSinkhorn(scores, bin_score, 50);
}

// Quality on pairs of held-out photos, beside mutual nearest neighbours of the same features; and the share
// of keypoints that find a match in pairs of two photos, where none has one.
std::map<std::string, double> Validate(SuperGlue& network, const FeatureSet& set,
                                       const SuperGlueTrainingOptions& o,
                                       const std::vector<int64_t>& photos) {
  torch::NoGradGuard no_grad;
  const MatchingQuality quality = MeasureMatching(network, set, o, photos);
  std::map<std::string, double> metrics = {{"loss", quality.loss},
                                           {"precision", quality.matches.precision()},
                                           {"recall", quality.matches.recall()},
                                           {"accuracy", quality.labels.accuracy()},
                                           {"match_accuracy", quality.labels.match_accuracy()},
                                           {"mutual_precision", quality.nearest.precision()},
                                           {"mutual_recall", quality.nearest.recall()}};
  if (photos.size() < 2) return metrics;
  MatchCounts false_pairs;
  double keypoints = 0;
  for (const auto& [batch, scores] : ScoreHeldOut(network, set, o, photos, 1)) {
    false_pairs += CountAssigned(HeldOutAssignment(scores, network->bin_score), batch.matches0);
    keypoints += static_cast<double>(batch.matches0.numel());
  }
  metrics["false_share"] = false_pairs.predicted / keypoints;
  return metrics;
}

// The largest offset of the dustbin's score, in steps of 0.05, at which recall is still o.calibration_recall
// times that of mutual nearest neighbours; 0 where there is none.
double DustbinOffset(SuperGlue& network, const FeatureSet& set, const SuperGlueTrainingOptions& o,
                     const std::vector<int64_t>& photos) {
  torch::NoGradGuard no_grad;
  network->eval();
  const auto held_out = ScoreHeldOut(network, set, o, photos, 0);
  MatchCounts nearest;
  for (const auto& [batch, scores] : held_out) nearest += CountMutualNearest(batch);
  for (double offset = 3; offset > 0; offset -= 0.05) {
    MatchCounts counts;
    for (const auto& [batch, scores] : held_out) {
      counts += CountAssigned(HeldOutAssignment(scores, network->bin_score + offset), batch.matches0);
    }
    if (counts.recall() >= o.calibration_recall * nearest.recall()) return offset;
  }
  return 0;
}

void RequireTrainable(const FeatureSet& features, const SuperGlueTrainingOptions& o) {
  if (features.views_per_group < 2 || features.num_photos() < 2) {
    throw InputError(
        "train superglue: at least two views of each of two photos are needed (one is held out), found " +
        std::to_string(features.views_per_group) + " views of " + std::to_string(features.num_photos()));
  }
  if (o.min_keypoints < 1 || o.max_keypoints < o.min_keypoints) {
    throw UsageError("SuperGlue.min_keypoints must be in [1, max_keypoints = " +
                     std::to_string(o.max_keypoints) + "], found " + std::to_string(o.min_keypoints));
  }
  if (!(o.negative_share >= 0 && o.negative_share <= 1)) {
    throw UsageError("SuperGlue.negative_share must be in [0, 1], found " + std::to_string(o.negative_share));
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
  } else if (network->architecture().num_layer_pairs != o.architecture.num_layer_pairs) {
    torch::manual_seed(o.seed);
    network = Deepen(network, o.architecture.num_layer_pairs);
  }
  network->to(torch::Device(o.loop.device));
  if (SuperGlue teacher = o.teacher; !teacher.is_empty()) {
    teacher->to(torch::Device(o.loop.device));
    teacher->eval();
  }
  PhotoSplit split = SplitPhotos(features.num_photos(), o.validation_share);
  for (int64_t scene = features.num_photos(); scene < features.num_groups(); ++scene)
    split.training.push_back(scene);

  Prefetcher<Batch> batches(OrderOfBatches(o.loop, user_hooks), [&](int64_t number) {
    return MakeBatch(features, o, {split.training, o.min_keypoints, o.negative_share, o.augmentation},
                     number);
  });
  TrainHooks hooks = user_hooks;
  if (!o.constraint.IsEmpty()) hooks.constrain = [&] { o.constraint.Apply(*network); };
  hooks.step = [&](int64_t number) { return BatchLoss(network, batches.Get(number), o); };
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

MatchingQuality MeasureMatching(SuperGlue& network, const FeatureSet& features,
                                const SuperGlueTrainingOptions& o, const std::vector<int64_t>& photos) {
  torch::NoGradGuard no_grad;
  MatchingQuality quality;
  for (int64_t i = 0; i < NumHeldOutBatches(o); ++i) {
    const Batch batch = HeldOutBatch(features, o, photos, 0, i);
    const auto assignment =
        HeldOutAssignment(network->forward(batch.input0, batch.input1), network->bin_score);
    quality.loss += AssignmentLoss(assignment, batch.matches0, batch.matches1).item<double>() /
                    static_cast<double>(NumHeldOutBatches(o));
    quality.matches += CountAssigned(assignment, batch.matches0);
    quality.nearest += CountMutualNearest(batch);
    quality.labels += CountLabels(assignment, batch.matches0, batch.matches1);
  }
  return quality;
}

}  // namespace colmatch
