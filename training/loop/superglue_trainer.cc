// SuperGlue's training; see superglue_trainer.h.
#include "training/loop/superglue_trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "network/engines/transport.h"
#include "network/flops.h"
#include "network/optimal_transport.h"
#include "training/data/feature_augmentation.h"
#include "training/data/prefetch.h"
#include "training/losses/superglue_loss.h"
#include "util/error.h"

namespace colmatch {
namespace {

struct Batch {
  SuperGlueInput input0, input1;
  torch::Tensor matches0, matches1;  // (B, n) labels
};

// One view of a pair: which of its keypoints, strongest first, are used.
struct DrawnView {
  int64_t view = 0;
  torch::Tensor chosen;  // (n) int64
};

SuperGlueInput Gather(const FeatureSet& set, const std::vector<DrawnView>& views, double augmentation,
                      const DescriptorAugmentation& augment, Rng& rng, const torch::Device& device) {
  std::vector<torch::Tensor> keypoints, scores, descriptors;
  for (const DrawnView& v : views) {
    const auto points = set.keypoints[v.view].index_select(0, v.chosen);
    const auto normalized = NormalizeKeypoints(points, set.view_width, set.view_height);
    keypoints.push_back(augmentation > 0 ? DisplaceKeypoints(normalized, augmentation, rng) : normalized);
    scores.push_back(set.scores[v.view].index_select(0, v.chosen));
    descriptors.push_back(
        augment.Apply(set.descriptors[v.view].index_select(1, v.chosen).to(torch::kFloat), rng));
  }
  return {torch::stack(keypoints).to(device), torch::stack(scores).to(device),
          torch::stack(descriptors).to(device)};
}

// What to draw a batch from.
struct PairDraw {
  const std::vector<int64_t>& photos;
  int64_t min_keypoints;
  double negative_share = 0;
  double augmentation = 0;
  double descriptor_rotation = 0, descriptor_noise = 0;
};

GroundTruthMatches LabelPair(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                             const GroundTruthOptions& options) {
  if (view0 / set.views_per_group != view1 / set.views_per_group) {
    const auto nothing = torch::full({n}, kUnmatched, torch::kLong);
    return {nothing, nothing};
  }
  return MatchViews(set, view0, view1, n, options);
}

// `count` of each view's labelled keypoints at random, so that a pair is seldom seen twice alike. Keypoints
// that match are left out together: as many of the others as before have a match.
struct Choice {
  torch::Tensor chosen0, chosen1;  // (count), ascending
  GroundTruthMatches labels;       // of these
};

Choice Choose(const GroundTruthMatches& all, int64_t count, Rng& rng) {
  const int64_t n = all.matches0.size(0);
  const auto draw = [&] {
    auto values = torch::empty({n}, torch::kDouble);
    for (int64_t i = 0; i < n; ++i) values.data_ptr<double>()[i] = rng.Uniform();
    return values;
  };
  const auto order0 = draw(), alone1 = draw();
  const auto order1 =
      torch::where(all.matches1 >= 0, order0.index_select(0, all.matches1.clamp_min(0)), alone1);
  const auto least = [&](const torch::Tensor& order) {
    return std::get<0>(std::get<1>(order.topk(count, 0, /*largest=*/false)).sort());
  };
  Choice choice{least(order0), least(order1), {}};
  // The labels of those chosen; one whose match was not chosen has none.
  const auto relabel = [&](const torch::Tensor& matches, const torch::Tensor& own,
                           const torch::Tensor& others) {
    auto position = torch::full({n}, kUnmatched, torch::kLong);
    position.index_copy_(0, others, torch::arange(count));
    const auto labels = matches.index_select(0, own);
    return torch::where(labels >= 0, position.index_select(0, labels.clamp_min(0)), labels);
  };
  choice.labels.matches0 = relabel(all.matches0, choice.chosen0, choice.chosen1);
  choice.labels.matches1 = relabel(all.matches1, choice.chosen1, choice.chosen0);
  return choice;
}

constexpr double kLargestDrop = 0.3;  // of the keypoints, at an augmentation of 1

// Pairs of two different views of one of the photos, or of two photos, a pure function of the step.
Batch MakeBatch(const FeatureSet& set, const SuperGlueTrainingOptions& o, const PairDraw& draw,
                int64_t step) {
  Rng rng(o.seed, static_cast<uint64_t>(step), 0);
  const int64_t limit = set.keypoints.size(1), num_photos = static_cast<int64_t>(draw.photos.size());
  const int64_t low = std::min(limit, draw.min_keypoints), high = std::min<int64_t>(limit, o.max_keypoints);
  const int64_t n = low + rng.Below(high - low + 1);
  const double kept = 1 - kLargestDrop * std::min(1.0, draw.augmentation);
  const int64_t drawn_from = std::min(limit, static_cast<int64_t>(std::ceil(static_cast<double>(n) / kept)));
  std::vector<DrawnView> views0, views1;
  std::vector<torch::Tensor> matches0, matches1;
  for (int64_t i = 0; i < o.batch_size; ++i) {
    const int64_t photo0 = rng.Below(num_photos), a = rng.Below(set.views_per_group);
    const int64_t other = rng.Below(set.views_per_group - 1);
    int64_t photo1 = photo0, b = other + (other >= a);
    if (num_photos > 1 && draw.negative_share > 0 && rng.Chance(draw.negative_share)) {
      photo1 = (photo0 + 1 + rng.Below(num_photos - 1)) % num_photos;
      if (set.MayShow(draw.photos[photo0], draw.photos[photo1])) photo1 = photo0;
    }
    const int64_t view0 = draw.photos[photo0] * set.views_per_group + a;
    const int64_t view1 = draw.photos[photo1] * set.views_per_group + b;
    const auto labels = LabelPair(set, view0, view1, drawn_from, o.ground_truth);
    const auto all = torch::arange(n);
    const Choice choice = drawn_from > n ? Choose(labels, n, rng) : Choice{all, all, labels};
    views0.push_back({view0, choice.chosen0});
    views1.push_back({view1, choice.chosen1});
    matches0.push_back(choice.labels.matches0);
    matches1.push_back(choice.labels.matches1);
  }
  const torch::Device device(o.loop.device);
  DescriptorAugmentation augment;
  if (draw.descriptor_rotation > 0)
    augment.rotation = RandomRotation(set.descriptors.size(1), rng.Uniform(0, draw.descriptor_rotation), rng);
  if (draw.descriptor_noise > 0) augment.noise = rng.Uniform(0, draw.descriptor_noise);
  const auto input0 = Gather(set, views0, draw.augmentation, augment, rng, device);
  const auto input1 = Gather(set, views1, draw.augmentation, augment, rng, device);
  return {input0, input1, torch::stack(matches0).to(device), torch::stack(matches1).to(device)};
}

StepResult BatchLoss(SuperGlue& network, const Batch& batch, const SuperGlueTrainingOptions& o) {
  const auto assign = [&](const torch::Tensor& scores, const SuperGlue& of) {
    // In float32 whatever the network computed in: exponentials of scores need the range.
    const AutocastPause in_float32(scores.device());
    return ScalingTransport(scores.to(torch::kFloat), of->bin_score, o.sinkhorn_iterations);
  };
  const auto loss_of = [&](const torch::Tensor& assignment) {
    return AssignmentLoss(assignment, batch.matches0, batch.matches1);
  };
  std::vector<torch::Tensor> inner;
  const auto scores = network->forward(batch.input0, batch.input1, o.deep_supervision > 0 ? &inner : nullptr);
  const auto assignment = assign(scores, network);
  auto loss = loss_of(assignment);
  for (const auto& inner_scores : inner) {
    loss = loss +
           o.deep_supervision / static_cast<double>(inner.size()) * loss_of(assign(inner_scores, network));
  }
  if (!o.teacher.is_empty()) {
    const auto taught = [&] {
      torch::NoGradGuard no_grad;
      SuperGlue teacher = o.teacher;
      return assign(teacher->forward(batch.input0, batch.input1), teacher);
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
  return MakeBatch(set, o, {photos, o.max_keypoints, negative_share}, number);
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
  return ScalingTransport(scores, bin_score, 50);
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
  } else if (const SuperGlueArchitecture& a = network->architecture();
             a.num_layer_pairs != o.architecture.num_layer_pairs ||
             a.keypoint_encoder != o.architecture.keypoint_encoder ||
             a.sinkhorn_iterations != o.architecture.sinkhorn_iterations ||
             a.guidance_rounds != o.architecture.guidance_rounds ||
             a.fixed_keypoint_code != o.architecture.fixed_keypoint_code) {
    torch::manual_seed(o.seed);
    network = Extended(network, o.architecture);
  }
  network->to(torch::Device(o.loop.device));
  if (SuperGlue teacher = o.teacher; !teacher.is_empty()) {
    teacher->to(torch::Device(o.loop.device));
    teacher->eval();
  }
  PhotoSplit split = SplitPhotos(features.num_photos(), o.validation_share);
  for (int64_t scene = features.num_photos(); scene < features.num_groups(); ++scene)
    split.training.push_back(scene);

  Prefetcher<Batch> batches(
      OrderOfBatches(o.loop, user_hooks),
      [&](int64_t number) {
        return MakeBatch(features, o,
                         {split.training, o.min_keypoints, o.negative_share, o.augmentation,
                          o.descriptor_rotation, o.descriptor_noise},
                         number);
      },
      o.loop.num_workers);
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
