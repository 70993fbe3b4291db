// A second look at a pair: the matches around a keypoint say where in the other image it should be, and its
// coupling scores are raised there and lowered elsewhere before optimal transport decides anew. Neighbours of
// a right match are near misses to SuperGlue, whose layers hardly use positions; a local affine map tells
// them apart. Where neighbours do not agree all matches become a little less likely. Akin to AdaLAM (Cavalli
// 2020), which drops matches afterwards: here a keypoint whose match was wrong or missing may also find the
// right one.
#pragma once

#include <torch/types.h>

#include <vector>

#include "matcher/guidance/local_fit.h"
#include "network/engines/transport.h"
#include "network/features.h"
#include "network/kernels/candidates.h"

namespace colmatch {

struct GuidanceOptions {
  LocalFitOptions fit;  // pixels of an image of longer_side
  int longer_side = 640;
  GuidanceStrength strength;
};

// Keypoints of an image.
struct Positions {
  torch::Tensor keypoints;    // (N, 2) float32, pixels; on any device, best on the scores'
  int width = 0, height = 0;  // of the image
};

// The coupling scores (B, N, M) of pairs whose matches were found from them, guided by those matches: the
// i-th of images0 and images1 are the i-th pair's. A pair with too few matches for any map stays as it is. On
// the scores' device; what is padded stays finite. On a GPU in our own kernels (local_guidance_gpu.h)
// where they are compiled in, else the maps are fitted on the CPU: about 1.6 ms on one thread for 1,024
// keypoints.
torch::Tensor GuideCouplings(const PaddedScores& pairs, const PaddedMatches& matches,
                             const std::vector<const Positions*>& images0,
                             const std::vector<const Positions*>& images1,
                             const GuidanceOptions& options = {});

// The same of one pair's candidates on the CPU: false, and guided unchanged, where the pair would stay as it
// is. Whether a coupling that is not listed could have been raised is known from the keypoints near each
// place (Candidates::unsure0 and unsure1).
bool GuideCandidates(const Candidates& candidates, const FeatureMatches& matches, const Positions& image0,
                     const Positions& image1, Candidates& guided, const GuidanceOptions& options = {});

}  // namespace colmatch
