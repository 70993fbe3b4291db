// Pairs of photos that are both verified with a third: `colmatch transitive_matcher`.
#pragma once

#include <vector>

#include "plugin/pairs/pair_source.h"
#include "util/option_declaration.h"

namespace colmatch {

// Names and defaults are those of COLMAP's --TransitiveMatching.*.
struct TransitiveOptions {
  int batch_size = 1000;   // pairs a block; a block ends with the pairs of an image
  int num_iterations = 3;  // each closes triangles over what the ones before it verified

  static constexpr Declaration<int> kBatchSize{
      "--TransitiveMatching.batch_size", "number of pairs in a block", {1}};
  static constexpr Declaration<int> kNumIterations{
      "--TransitiveMatching.num_iterations",
      "number of iterations; each closes the triangles over all pairs verified before it",
      {1}};
  void Validate() const;  // Throws UsageError naming option, value and range.
};

// Which images are verified with which: of each index, the others' indices, sorted.
using PairGraph = std::vector<std::vector<int>>;

// Images a and c that are not joined, where a - b and b - c are. Every iteration sees what came before it.
// The pairs it began with are kept in the database until it is done, so that an interrupted command goes on
// with its own pairs and ends as an unbroken one; pairs that others verified in between are closed over
// afterwards. Ends early where an iteration has verified nothing.
class TransitivePairs : public PairSource {
 public:
  TransitivePairs(ColmapDatabase& database, const std::vector<Image>& images,
                  const TransitiveOptions& options);
  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override { return num_handed_out_; }
  // True if the database holds the beginning of a run that was not finished.
  bool goes_on() const { return goes_on_; }

 private:
  PairGraph GraphOf(const std::vector<std::pair<image_t, image_t>>& pairs) const;
  bool StartIteration();
  void AppendNewPairs(int image, std::vector<ImagePair>& block) const;

  ColmapDatabase& database_;
  const std::vector<Image>& images_;
  TransitiveOptions options_;
  PairGraph before_, now_;  // at the start of the previous and of this iteration
  int iteration_ = 0;
  int next_image_ = 0;
  bool goes_on_ = false, done_ = false;
  int64_t num_handed_out_ = 0;
};

}  // namespace colmatch
