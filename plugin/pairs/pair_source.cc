// Exhaustive and listed pairs; see pair_source.h.
#include "plugin/pairs/pair_source.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "util/error.h"

namespace colmatch {

ExhaustivePairs::ExhaustivePairs(int num_images, int block_size)
    : num_images_(num_images), block_size_(block_size) {
  if (block_size < 1)
    throw UsageError("--ExhaustiveMatching.block_size must be at least 1, found " +
                     std::to_string(block_size));
}

std::vector<ImagePair> ExhaustivePairs::Next() {
  std::vector<ImagePair> pairs;
  while (pairs.empty() && start0_ < num_images_) {  // a block of one image has no pair
    const int64_t end0 = std::min<int64_t>(num_images_, int64_t{start0_} + block_size_);
    const int64_t end1 = std::min<int64_t>(num_images_, int64_t{start1_} + block_size_);
    current0_ = start0_;
    current1_ = start1_;
    for (int i = start0_; i < end0; ++i) {
      for (int j = std::max(i + 1, start1_); j < end1; ++j) pairs.emplace_back(i, j);
    }
    start1_ = static_cast<int>(end1);
    if (start1_ >= num_images_) start0_ = start1_ = static_cast<int>(end0);
  }
  return pairs;
}

int64_t ExhaustivePairs::num_pairs() const {
  return num_images_ < 2 ? 0 : int64_t{num_images_} * (num_images_ - 1) / 2;
}

std::string ExhaustivePairs::position() const {
  const int num_blocks = num_images_ / block_size_ + (num_images_ % block_size_ > 0);
  const std::string of = '/' + std::to_string(num_blocks);
  return std::to_string(current0_ / block_size_ + 1) + of + ", " +
         std::to_string(current1_ / block_size_ + 1) + of;
}

ListedPairs::ListedPairs(const std::vector<ImagePair>& pairs, int pairs_per_block)
    : pairs_per_block_(static_cast<size_t>(pairs_per_block)) {
  if (pairs_per_block < 1)
    throw UsageError("the pairs of a block must be at least 1, found " + std::to_string(pairs_per_block));
  std::unordered_set<int64_t> seen;
  for (const auto& [i, j] : pairs) {
    const auto& [first, second] = std::minmax(i, j);
    if (first == second || !seen.insert((int64_t{first} << 32) | second).second) continue;
    pairs_.emplace_back(first, second);
  }
}

std::vector<ImagePair> ListedPairs::Next() {
  const size_t end = std::min(pairs_.size(), next_ + pairs_per_block_);
  std::vector<ImagePair> block(pairs_.begin() + static_cast<std::ptrdiff_t>(next_),
                               pairs_.begin() + static_cast<std::ptrdiff_t>(end));
  next_ = end;
  return block;
}

std::string ListedPairs::position() const {
  const auto blocks = [this](size_t pairs) {
    return std::to_string((pairs + pairs_per_block_ - 1) / pairs_per_block_);
  };
  return blocks(next_) + '/' + blocks(pairs_.size());
}

}  // namespace colmatch
