// Pairs of photos that follow each other by name: `colmatch sequential_matcher`.
#pragma once

#include <vector>

#include "plugin/pair_source.h"

namespace colmatch {

// Names and defaults are those of COLMAP's --SequentialMatching.*.
struct SequentialOptions {
  int overlap = 10;
  bool quadratic_overlap = true;
  bool expand_rig_images = true;

  void Validate() const;  // Throws UsageError naming option, value and range.
};

// Indices of the images in the order of their names' bytes: what a sequence is.
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
