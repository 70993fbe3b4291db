// Batches of pairs; see batch_fallback.h.
#include "matcher/batch_fallback.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>

#include "matcher/memory_needs.h"

namespace colmatch {

BatchFallback::BatchFallback(torch::Device device, int batch_size, MemoryShortageHandler on_shortage)
    : fallback_(device), most_at_once_(static_cast<size_t>(batch_size)) {
  fallback_.OnShortage(std::move(on_shortage));
}

void BatchFallback::Prepare(const DeviceFallback::Work& prepare, int64_t keypoints) {
  torch::NoGradGuard no_grad;
  fallback_.Run(prepare, std::to_string(keypoints) + " keypoints", 0);
}

std::vector<FeatureMatches> BatchFallback::Match(const std::vector<PreparedPair>& pairs,
                                                 const MatchSome& match_some) {
  torch::NoGradGuard no_grad;
  std::vector<FeatureMatches> matches;
  while (matches.size() < pairs.size()) {
    const PreparedPair* const first = pairs.data() + matches.size();
    const size_t count = std::min(most_at_once_, pairs.size() - matches.size());
    std::vector<FeatureMatches> some;
    const auto match = [&](torch::Device device) { some = match_some(device, first, count); };
    if (!fallback_.Try(match)) {
      if (count > 1) {
        most_at_once_ = count / 2;
        continue;
      }
      const int64_t size0 = first->image0->size(), size1 = first->image1->size();
      fallback_.RunOnCpu(
          match, "matching " + std::to_string(size0) + " with " + std::to_string(size1) + " keypoints",
          MatchingMemory(size0, size1));
    }
    std::move(some.begin(), some.end(), std::back_inserter(matches));
  }
  return matches;
}

}  // namespace colmatch
