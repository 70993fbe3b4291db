// The options of matching, of all matchers.
#pragma once

#include <string>

#include "matcher/prefilter.h"
#include "network/precision.h"
#include "network/superglue.h"
#include "util/option_declaration.h"

namespace colmatch {

struct MatcherOptions {
  std::string matcher = "superglue";  // a name of matcher_list.h
  SuperGlueOptions superglue;
  PrefilterOptions prefilter;  // of superglue
  double max_ratio = 0.8;
  Precision precision = Precision::kFloat32;  // of superglue
  int batch_size = 16;
  bool cuda_graphs = false;  // see DeviceGraphs

  static constexpr Declaration<double> kMaxRatio{
      "--max_ratio,--SiftMatching.max_ratio",
      "maximum ratio of the two smallest distances in the ratio test (nn_ratio)",
      {0, 1, "", Ends::kOpenLow}};
  static constexpr Declaration<int> kBatchSize{
      "--SuperGlue.batch_size", "pairs matched at once on a GPU", {1, 4096}};
  static constexpr Declaration<bool> kCudaGraphs{
      "--SuperGlue.cuda_graphs",
      "on a GPU, record the launches of a batch once and repeat them: for small batches"};
  void Validate() const;  // throws UsageError naming field, value and bound
};

}  // namespace colmatch
