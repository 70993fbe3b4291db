// Pairs of photos that follow each other by name: `colmatch sequential_matcher`.
#pragma once

#include <string>
#include <vector>

#include "plugin/pairs/pair_source.h"
#include "util/option_declaration.h"

namespace colmatch {

// Names and defaults are those of COLMAP's --SequentialMatching.*.
struct SequentialOptions {
  int overlap = 10;
  bool quadratic_overlap = true;
  bool expand_rig_images = true;

  static constexpr Declaration<int> kOverlap{
      "--SequentialMatching.overlap", "number of following photos that each photo is matched with", {1}};
  void Validate() const;  // Throws UsageError naming option, value and range.
};

// Whether a name comes before another one as people count: numbers in it by their value, frame_2 before
// frame_10; all else by its bytes.
bool IsBeforeInSequence(const std::string& a, const std::string& b);

// Indices of the images in the order of IsBeforeInSequence: what a sequence is. COLMAP orders names by their
// bytes, which is the same where numbers have leading zeros; where it is not, that is said.
std::vector<int> OrderByName(const std::vector<Image>& images);

// Each image, in the order of OrderByName, with the next `overlap` ones; with quadratic_overlap also
// with those 1, 2, 4, ... 2^(overlap - 1) further on. That is COLMAP 3.9 to 3.13, and holds the pairs of the
// others: 3.8 ends one image earlier, 4.x has the powers of two alone. With expand_rig_images, as in COLMAP
// 4, images of one frame (`shared_frames`, ColmapDatabase::SharedFrames) are paired with each other and with
// all images of the frames that follow, and an image follows another only in its own camera's sequence. A
// pair may come twice.
std::vector<ImagePair> SequentialPairs(const std::vector<Image>& images,
                                       const std::vector<std::vector<image_t>>& shared_frames,
                                       const SequentialOptions& options);

}  // namespace colmatch
