// Any pairs, in an order that loads images seldom.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/pairs/pair_source.h"

namespace colmatch {

// The same pairs so that those with the same images lie near each other: images are lined up, each next the
// one with most pairs among the last ones, the line is cut into blocks of block_size, and the pairs go block
// by block as ExhaustivePairs do. A cache of the last 2 block_size images loads few of them twice.
std::vector<ImagePair> OrderPairs(const std::vector<ImagePair>& pairs, int num_images, int block_size);

// A list of pairs in that order.
class OrderedPairs : public PairSource {
 public:
  // pairs: first < second < num_images; one that comes twice counts once. Throws UsageError for a block_size
  // below 1.
  OrderedPairs(std::vector<ImagePair> pairs, int num_images, int block_size);
  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override { return static_cast<int64_t>(pairs_.size()); }
  std::string position() const override;

 private:
  std::vector<ImagePair> pairs_;
  size_t pairs_a_time_, next_ = 0;
};

}  // namespace colmatch
