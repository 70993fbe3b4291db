// SuperPoint losses; see superpoint_loss.h.
#include "training/losses/superpoint_loss.h"

#include <torch/torch.h>

#include "network/keypoints.h"
#include "training/losses/mixed_precision.h"

namespace colmatch {

namespace F = torch::nn::functional;

namespace {

// What mixed precision left in half the bits.
torch::Tensor AtLeastFloat(const torch::Tensor& x) {
  return x.scalar_type() == torch::kDouble ? x : x.to(torch::kFloat);
}

// One place beside each point (B, K, 2), the same in every step, other directions for other points.
torch::Tensor Beside(const torch::Tensor& points, int number, int count) {
  constexpr double kGoldenAngle = 2.39996323;
  constexpr double kRadii[] = {3.5, 6.0, 4.5, 8.0};  // pixels
  const auto angle = torch::arange(points.size(1), points.options()) * kGoldenAngle +
                     2 * 3.14159265358979323846 * number / count;
  return points + kRadii[number % 4] * torch::stack({angle.cos(), angle.sin()}, 1);
}

// Similarity of each descriptor (BK, D) to the places beside its true one in the other view, (BK, count);
// those outside the picture count as unlike.
torch::Tensor NearSimilarity(const torch::Tensor& descriptors, const torch::Tensor& points,
                             const torch::Tensor& dense, const SuperPointOutput& output,
                             const torch::Tensor& images, int count) {
  const auto size = torch::tensor(
      {static_cast<float>(images.size(3) - 1), static_cast<float>(images.size(2) - 1)}, points.options());
  std::vector<torch::Tensor> similarities;
  for (int number = 0; number < count; ++number) {
    const auto places = Beside(points, number, count);
    const auto there = SampleDescriptors(places, dense, output.sampling).transpose(1, 2).flatten(0, 1);
    const auto inside = ((places >= 0) & (places <= size)).all(2).flatten();
    similarities.push_back((descriptors * there).sum(1).masked_fill(~inside, -1));
  }
  return torch::stack(similarities, 1);
}

}  // namespace

SuperPointLoss ComputeSuperPointLoss(const SuperPointOutput& output, const SuperPointBatch& batch,
                                     const SuperPointLossOptions& options) {
  const int64_t b = batch.points_a.size(0), k = batch.points_a.size(1);
  const auto labelled = (batch.cell_labels != kIgnoredCell).sum().clamp_min(1);  // none: no loss, not NaN
  const auto detector = F::cross_entropy(AtLeastFloat(output.logits), batch.cell_labels,
                                         F::CrossEntropyFuncOptions().reduction(torch::kSum)) /
                        labelled;

  const auto views = AtLeastFloat(output.descriptors).chunk(2);
  const auto descriptors_a =
      SampleDescriptors(batch.points_a, views[0], output.sampling).transpose(1, 2).flatten(0, 1);  // (BK, D)
  const auto descriptors_b =
      SampleDescriptors(batch.points_b, views[1], output.sampling).transpose(1, 2).flatten(0, 1);
  auto similarity = torch::mm(descriptors_a, descriptors_b.t()) / options.temperature;

  // Near neighbours of the true point in the same view, and padding, are left out of the softmax.
  const auto distance = torch::cdist(batch.points_b, batch.points_b);  // (B, K, K)
  const auto near =
      (distance < options.ignore_radius_px) & ~torch::eye(k, distance.options().dtype(torch::kBool));
  auto ignored = torch::zeros({b, k, b, k}, near.options());
  for (int64_t i = 0; i < b; ++i) ignored.select(0, i).select(1, i).copy_(near[i]);
  const auto valid = batch.valid.flatten();
  const auto excluded = ignored.view({b * k, b * k}) | ~valid.unsqueeze(0) | ~valid.unsqueeze(1);
  const auto diagonal = torch::eye(b * k, excluded.options());
  similarity = similarity.masked_fill(excluded & ~diagonal, -1e4);

  auto all_b = similarity, all_a = similarity.t();
  auto nearer = torch::ones_like(valid);
  if (options.near_negatives > 0) {
    const auto near_b = NearSimilarity(descriptors_a, batch.points_b, views[1], output, batch.images,
                                       options.near_negatives) /
                        options.temperature;
    const auto near_a = NearSimilarity(descriptors_b, batch.points_a, views[0], output, batch.images,
                                       options.near_negatives) /
                        options.temperature;
    nearer = similarity.diagonal() > near_b.amax(1);
    all_b = torch::cat({all_b, near_b}, 1);
    all_a = torch::cat({all_a, near_a}, 1);
  }
  const auto rows = torch::log_softmax(all_b, 1).diagonal(),
             columns = torch::log_softmax(all_a, 1).diagonal();
  const auto weights = valid.to(torch::kFloat);
  const auto count = weights.sum().clamp_min(1);
  const auto descriptor = -((rows + columns) * weights).sum() / (2 * count);

  SuperPointLoss loss;
  loss.total = options.detector_weight * detector + options.descriptor_weight * descriptor;
  loss.detector = detector.item<double>();
  loss.descriptor = descriptor.item<double>();
  if (batch.targets.defined() && options.target_weight > 0) {
    const auto taught = batch.taught.flatten().nonzero().flatten();
    const auto of_both =
        torch::stack({descriptors_a.index_select(0, taught), descriptors_b.index_select(0, taught)});
    const TargetLoss target =
        ComputeTargetLoss(of_both, batch.targets.flatten(0, 1).index_select(0, taught), options.temperature);
    loss.total = loss.total + options.target_weight * target.total;
    loss.target_cosine = target.cosine;
    loss.target_accuracy = target.accuracy;
  }
  const auto right = similarity.argmax(1) == torch::arange(b * k, similarity.options().dtype(torch::kLong));
  loss.near_accuracy = ((nearer & valid).sum().to(torch::kFloat) / count).item<double>();
  loss.accuracy = ((right & valid).sum().to(torch::kFloat) / count).item<double>();
  return loss;
}

TargetLoss ComputeTargetLoss(const torch::Tensor& descriptors, const torch::Tensor& targets,
                             double temperature) {
  // In half the bits the gradients of these sums were not finite.
  const AutocastPause in_float32(descriptors.device());
  TargetLoss loss;
  if (targets.size(0) == 0) {
    loss.total = descriptors.sum() * 0;
    return loss;
  }
  const auto cosine = (descriptors * targets).sum(2).mean();
  const auto wanted = (torch::mm(targets, targets.t()) / temperature).softmax(1);
  const auto found = torch::matmul(descriptors, targets.t()) / temperature;  // (2, N, N)
  const auto contrast = -(wanted * found.log_softmax(2)).sum(2).mean();
  loss.total = kTargetCosineWeight * (1 - cosine) + contrast;
  loss.cosine = cosine.item<double>();
  const auto own = torch::arange(targets.size(0), found.options().dtype(torch::kLong));
  loss.accuracy = (found.argmax(2) == own).to(torch::kFloat).mean().item<double>();
  return loss;
}

torch::Tensor SuperPointDistillation(const SuperPointOutput& output, const SuperPointOutput& taught,
                                     double descriptor_weight) {
  const auto scores = -(taught.logits.softmax(1) * output.logits.log_softmax(1)).sum(1).mean();
  const auto cosine = (taught.descriptors * output.descriptors).sum(1).mean();
  return scores + descriptor_weight * (1 - cosine);
}

}  // namespace colmatch
