// The options of matching, of all matchers.
#pragma once

#include <string>

#include "matcher/prefilter.h"
#include "network/precision.h"
#include "network/superglue.h"
#include "util/bounds.h"

namespace colmatch {

struct MatcherOptions {
  std::string matcher = "superglue";  // a name of matcher_list.h
  SuperGlueOptions superglue;
  PrefilterOptions prefilter;                 // of superglue
  double max_ratio = 0.8;                     // of nn_ratio
  Precision precision = Precision::kFloat32;  // of superglue
  int batch_size = 16;                        // pairs at once, on a GPU
  bool cuda_graphs = false;                   // on a GPU, see DeviceGraphs

  static constexpr Bounds<double> kMaxRatio{0, 1, "", Ends::kOpenLow};
  static constexpr Bounds<int> kBatchSize{1, 4096};
  void Validate() const;  // throws UsageError naming field, value and bound
};

}  // namespace colmatch
