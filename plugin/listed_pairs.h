// Pairs of a text file, as COLMAP's matches_importer takes them: two image names a line.
#pragma once

#include <string>
#include <vector>

#include "plugin/pair_source.h"

namespace colmatch {

class ListedPairs : public PairSource {
 public:
  // A pair that is named twice, or both ways round, comes once. Names may hold blanks. Throws UsageError for
  // a file that cannot be read, InputError naming the line for one without two images of the database that
  // have features.
  ListedPairs(const std::string& path, const std::vector<Image>& images);
  std::vector<ImagePair> Next() override;
  int64_t num_pairs() const override { return static_cast<int64_t>(pairs_.size()); }

 private:
  std::vector<ImagePair> pairs_;
  size_t next_ = 0;
};

}  // namespace colmatch
