// The pairs of plugin/pairs/pair_growth.h as a source: `--pairs graph` of automatic_reconstructor.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plugin/pairs/pair_growth.h"
#include "plugin/pairs/pair_order.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Between rounds it reads from the database how many inliers the pairs have that it handed out; pairs that
// others matched do not change what it asks for, so an interrupted run, repeated, asks for what an unbroken
// one does.
class GrowingPairs : public PairSource {
 public:
  // by_look: as PairGrowth's. Throws UsageError for options out of range.
  GrowingPairs(ColmapDatabase& database, const std::vector<Image>& images,
               std::vector<std::vector<int>> by_look, const PairGrowthOptions& options, int block_size);

  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override { return static_cast<int64_t>(growth_.num_asked()); }

 private:
  void EndRound();

  ColmapDatabase& database_;
  const std::vector<Image>& images_;
  PairGrowth growth_;
  int block_size_;
  std::vector<ImagePair> round_;        // its pairs
  std::unique_ptr<OrderedPairs> left_;  // the same in the order of matching
};

// Finds what looks alike, then as above.
std::unique_ptr<PairSource> MakeGrowingPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                             const PairGrowthOptions& options, int block_size,
                                             const CommonOptions& common);

}  // namespace colmatch
