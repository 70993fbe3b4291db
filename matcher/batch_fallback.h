// Batches of pairs on a device whose memory may not hold them.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "matcher/device_fallback.h"
#include "matcher/feature_matcher.h"

namespace colmatch {

// One thread at a time.
class BatchFallback {
 public:
  // The first `count` of the pairs, on the device.
  using MatchSome = std::function<std::vector<FeatureMatches>(torch::Device device, const PreparedPair* pairs,
                                                              size_t count)>;

  // batch_size: pairs to begin with.
  BatchFallback(torch::Device device, int batch_size, MemoryShortageHandler on_shortage);
  void SetMove(DeviceFallback::Work move) { fallback_.SetMove(std::move(move)); }

  // On the device, or on the CPU where its memory does not suffice; keypoints: of the image, for the message.
  void Prepare(const DeviceFallback::Work& prepare, int64_t keypoints);

  // All pairs, as many at once as the memory holds: half as many from then on where it does not suffice, and
  // a pair that does not fit alone on the CPU.
  std::vector<FeatureMatches> Match(const std::vector<PreparedPair>& pairs, const MatchSome& match_some);

 private:
  DeviceFallback fallback_;
  size_t most_at_once_;
};

}  // namespace colmatch
