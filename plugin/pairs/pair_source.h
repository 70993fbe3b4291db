// Which images of a database are matched, a block at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "database_io/colmap_database.h"

namespace colmatch {

// Indices into the images that have features, which are in the order of their ids; first < second.
using ImagePair = std::pair<int, int>;

// The pairs of one matching command. None comes twice.
class PairSource {
 public:
  virtual ~PairSource() = default;
  // The next block; the images of a block stay in memory while it is worked on. Empty: that was all. What
  // came before is matched, verified and written when this is called.
  virtual std::vector<ImagePair> Next() = 0;
  // In all, for the progress bar; a source that cannot know says how many it has handed out so far.
  virtual int64_t num_pairs() const = 0;
  // Of the block handed out last, as COLMAP's lines of progress tell it: "1/3, 2/3", "1/4"; empty: not known.
  virtual std::string position() const { return ""; }
};

// Called once the database is open; the source may keep both, which outlive it. Throws UsageError for options
// that make no sense, InputError for lists that cannot be used.
using PairSourceMaker =
    std::function<std::unique_ptr<PairSource>(ColmapDatabase& database, const std::vector<Image>& images)>;

// All pairs, block by block as COLMAP's exhaustive matcher goes, so that each block's features are loaded
// once.
class ExhaustivePairs : public PairSource {
 public:
  // block_size: images a side of a block. Throws UsageError below 1.
  ExhaustivePairs(int num_images, int block_size);
  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override;
  std::string position() const override;

 private:
  int num_images_, block_size_;
  int current0_ = 0, current1_ = 0;  // first images of the block handed out last
  int start0_ = 0, start1_ = 0;      // first images of the block that is next
};

// Pairs that are known beforehand, in their order: sequential, spatial, of a list. Further ones (loops) can
// be appended to the list that is given.
class ListedPairs : public PairSource {
 public:
  static constexpr int kPairsPerBlock = 1000;
  // In any order, the same pair any number of times; an image with itself is left out. Throws UsageError for
  // fewer than one pair a block.
  explicit ListedPairs(const std::vector<ImagePair>& pairs, int pairs_per_block = kPairsPerBlock);
  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override { return static_cast<int64_t>(pairs_.size()); }
  std::string position() const override;

 private:
  std::vector<ImagePair> pairs_;
  size_t pairs_per_block_, next_ = 0;
};

}  // namespace colmatch
