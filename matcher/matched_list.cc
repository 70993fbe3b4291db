// Matches as a list; see matched_list.h.
#include "matcher/matched_list.h"

#include <torch/torch.h>

namespace colmatch {

std::vector<MatchedPair> ListMatches(const FeatureMatches& matches) {
  const auto indices = matches.matches0.contiguous();
  const auto scores = matches.matching_scores0.contiguous();
  const int64_t n = indices.size(0), m = matches.matches1.size(0);
  std::vector<int64_t> owner(static_cast<size_t>(m), kUnmatched);
  const auto confidence = [&](int64_t i) { return scores.data_ptr<float>()[i]; };
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = indices.data_ptr<int64_t>()[i];
    if (j < 0) continue;
    int64_t& current = owner[static_cast<size_t>(j)];
    if (current == kUnmatched || confidence(i) > confidence(current)) current = i;
  }
  std::vector<MatchedPair> list;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = indices.data_ptr<int64_t>()[i];
    if (j >= 0 && owner[static_cast<size_t>(j)] == i)
      list.push_back({static_cast<int>(i), static_cast<int>(j), confidence(i)});
  }
  return list;
}

}  // namespace colmatch
