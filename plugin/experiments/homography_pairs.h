// Pairs of pictures with their true homographies, made elsewhere: measured with code that shares nothing
// with what trained the networks.
#pragma once

#include <string>
#include <vector>

#include "training/data/homography.h"

namespace colmatch {

struct ListedPair {
  std::string names[2];  // below the folder of pictures
  Homography h1_from_0;  // pixels, the first pixel's centre is (0, 0)
};

// A JSON list of objects with `images` (two names) and `h` (three rows of three numbers, from the first
// picture's pixels to the second's); other members are ignored. Throws UsageError for a file that cannot be
// read or has no pair, InputError naming file and pair for one that is not such an object.
std::vector<ListedPair> ReadHomographyPairs(const std::string& path);

}  // namespace colmatch
