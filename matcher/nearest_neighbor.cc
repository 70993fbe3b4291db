// Nearest-neighbour baselines; see nearest_neighbor.h.
#include "matcher/nearest_neighbor.h"

#include <torch/torch.h>

#include <algorithm>

namespace colmatch {
namespace {

// Euclidean distance of unit vectors from their cosine.
torch::Tensor DistanceFromCosine(const torch::Tensor& cosine) {
  return torch::sqrt((2 - 2 * cosine).clamp_min(0));
}

FeatureMatches NoMatches(const Features& features0, const Features& features1) {
  const auto indices = features0.keypoints.options().dtype(torch::kLong);
  FeatureMatches matches;
  matches.matches0 = torch::full({features0.size()}, kUnmatched, indices);
  matches.matches1 = torch::full({features1.size()}, kUnmatched, indices);
  matches.matching_scores0 = torch::zeros({features0.size()}, features0.keypoints.options());
  matches.matching_scores1 = torch::zeros({features1.size()}, features0.keypoints.options());
  return matches;
}

}  // namespace

FeatureMatches MatchNearestNeighbors(const Features& features0, const Features& features1,
                                     const NearestNeighborOptions& options) {
  FeatureMatches result = NoMatches(features0, features1);
  const int64_t n = features0.size(), m = features1.size();
  if (n == 0 || m == 0) return result;
  const auto similarity = torch::mm(features0.descriptors.t(), features1.descriptors);  // (N, M)
  const auto [best_values, best_indices] = similarity.topk(std::min<int64_t>(2, m), 1);
  const auto best = best_values.select(1, 0), match = best_indices.select(1, 0);
  auto valid = best >= options.min_similarity;
  if (options.max_ratio < 1 && m > 1) {
    const auto second = best_values.select(1, 1);
    valid = valid & (DistanceFromCosine(best) < options.max_ratio * DistanceFromCosine(second));
  }
  if (options.mutual) {
    const auto back = similarity.argmax(0);  // (M)
    valid = valid & (back.index_select(0, match) == torch::arange(n, match.options()));
  }
  result.matches0 = torch::where(valid, match, result.matches0);
  result.matching_scores0 = torch::where(valid, (0.5 * (best + 1)).clamp(0, 1), result.matching_scores0);
  // Of the keypoints of image 0 that chose one of image 1, the most similar.
  constexpr double kNobody = -10;
  auto chosen = torch::full_like(similarity, kNobody);
  chosen.scatter_(1, match.unsqueeze(1),
                  torch::where(valid, best, torch::full_like(best, kNobody)).unsqueeze(1));
  const auto [chooser_similarity, chooser] = chosen.max(0);
  const auto has_chooser = chooser_similarity > kNobody;
  result.matches1 = torch::where(has_chooser, chooser, result.matches1);
  result.matching_scores1 =
      torch::where(has_chooser, result.matching_scores0.index_select(0, chooser), result.matching_scores1);
  return result;
}

int64_t CountMutualNeighbors(const torch::Tensor& descriptors0, const torch::Tensor& descriptors1,
                             double min_similarity) {
  if (descriptors0.size(1) == 0 || descriptors1.size(1) == 0) return 0;
  torch::NoGradGuard no_grad;
  const auto similarity = torch::mm(descriptors0.t(), descriptors1);
  const auto [largest, best] = similarity.max(1);
  const auto rows = torch::nonzero(largest >= min_similarity).flatten();
  if (rows.size(0) == 0) return 0;
  const auto back = similarity.index_select(1, best.index_select(0, rows)).argmax(0);
  return (back == rows).sum().item<int64_t>();
}

}  // namespace colmatch
