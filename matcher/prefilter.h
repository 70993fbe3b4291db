// A test of whether two images see the same scene at all, from descriptors alone, before SuperGlue's layers.
#pragma once

#include <torch/types.h>

#include <atomic>

#include "network/superglue.h"
#include "util/option_declaration.h"

namespace colmatch {

// Pairs that fail it are not given to SuperGlue: they have no matches.
struct PrefilterOptions {
  static constexpr double kAsTheWeights = -2;
  int min_neighbors = -1;
  double min_similarity = kAsTheWeights;

  static constexpr Declaration<int> kMinNeighbors{
      "--SuperGlue.min_neighbors",
      "a pair with fewer mutual nearest neighbours whose descriptors are as similar as neighbor_similarity "
      "is skipped: no matches, without SuperGlue. 0: every pair is matched, -1: as the weights specify (0 "
      "where they do not say)",
      {-1}};
  static constexpr Declaration<double> kMinSimilarity{
      "--SuperGlue.neighbor_similarity",
      "minimum cosine of the descriptors of the nearest neighbours that min_neighbors counts; -2: as the "
      "weights specify (0.8 where they do not say)",
      {-1, 1, "", Ends::kClosed, kAsTheWeights}};

  void Validate() const;  // throws UsageError naming option, value and bound
  // Without -1 and -2.
  PrefilterOptions ResolvedFor(const SuperGlueArchitecture& weights) const;
};

// What became of pairs, in any thread.
struct PrefilterCounts {
  std::atomic<int64_t> tested{0}, skipped{0};
};

// Descriptors of an image, prepared for the test.
struct PrefilterRows {
  torch::Tensor rows;  // (N, D): float32, or int16 that are bf16's bits

  int64_t size() const { return rows.size(0); }
};

// descriptors (D, N); in_bf16: products in bf16 (on the CPU).
PrefilterRows PrepareForPrefilter(const torch::Tensor& descriptors, bool in_bf16);

// How many mutual nearest neighbours have a cosine of at least min_similarity, on the CPU; sizes may be 0,
// both prepared alike. Only products of that size are listed, in blocks, no matrix is written: a listed
// product that is the largest of its row and its column among those is the largest of all.
int64_t CountSimilarNeighbors(const PrefilterRows& image0, const PrefilterRows& image1,
                              double min_similarity);

}  // namespace colmatch
