// Quarter turns; see turn.h.
#include "matcher/turn.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "matcher/nearest_neighbor.h"

namespace colmatch {

torch::Tensor TurnPoints(const torch::Tensor& xy, int width, int height, int quarter_turns) {
  torch::Tensor turned = xy;
  for (int i = 0; i < (quarter_turns % 4 + 4) % 4; ++i) {
    turned = torch::stack({height - 1 - turned.select(1, 1), turned.select(1, 0)}, 1);
    std::swap(width, height);
  }
  return turned;
}

Features TurnFeatures(const Features& features, const TurnedDescriptors& turned, int quarter_turns) {
  if (quarter_turns == 0) return features;
  Features seen = features;
  seen.keypoints = TurnPoints(features.keypoints, features.width, features.height, quarter_turns);
  seen.descriptors = turned.at(static_cast<size_t>(quarter_turns - 1)).to(features.descriptors.options());
  if (quarter_turns % 2 == 1) std::swap(seen.width, seen.height);
  return seen;
}

int ChooseTurn(const Features& features0, const Features& features1, const TurnedDescriptors& turned1,
               const TurnOptions& options) {
  std::array<int64_t, 4> votes{};
  for (int k = 0; k < 4; ++k) {
    votes[static_cast<size_t>(k)] = CountMutualNeighbors(
        features0.descriptors, TurnFeatures(features1, turned1, k).descriptors, options.min_similarity);
  }
  const auto best = std::max_element(votes.begin(), votes.end());
  const bool decided = *best >= options.min_votes &&
                       static_cast<double>(*best) >= options.min_gain * static_cast<double>(votes[0]);
  return decided ? static_cast<int>(best - votes.begin()) : 0;
}

}  // namespace colmatch
