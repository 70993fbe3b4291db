// Pairs dealt into blocks such that images that share pairs fall into the same block, so that few images are
// loaded twice.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/pairs/pair_source.h"

namespace colmatch {

// Sorts the pairs and returns the blocks' borders in them: block b is [borders[b], borders[b + 1]). Every
// block has as many pairs as the next, give or take one; fewer blocks than asked for where there are fewer
// pairs.
//
// Images of one neighbourhood (found by label propagation with bounded sizes, Raghavan et al. 2007) get
// neighbouring ranks; pairs are sorted tile by tile of ranks. Pairs of most images with most others are
// tiled in the order of the images. Deterministic. Memory: 24 bytes a pair and 40 an image beside the pairs
// themselves; time: linear but for one sort.
std::vector<uint64_t> SortIntoBlocks(std::vector<ImagePair>& pairs, int num_images, int num_blocks);

}  // namespace colmatch
