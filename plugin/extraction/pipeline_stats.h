// What a pipeline reports when it has ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace colmatch {

struct SkippedInput {
  std::string name, reason;
};

// What a report says of the weights that a pipeline used.
struct UsedWeights {
  std::map<std::string, std::string> metadata;
  std::string sha256;  // of the file; empty: none were needed
};

struct FeaturePipelineStats {
  int64_t extracted = 0, already_there = 0, num_keypoints = 0;
  std::vector<SkippedInput> skipped;
  UsedWeights weights;
  bool stopped = false;  // by a signal, everything before it committed
};

}  // namespace colmatch
