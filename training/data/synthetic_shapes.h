// Pictures of simple shapes whose corners are known: what MagicPoint, the first detector of SuperPoint's
// training, learns from (DeTone 2018, section 4).
#pragma once

#include <vector>

#include "training/data/shards.h"
#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

struct SyntheticImage {
  FloatImage image;
  std::vector<KeypointLabel> corners;  // inside the picture, score 1
};

enum class SyntheticShape { kLines, kPolygons, kStar, kCheckerboard, kStripes, kCube, kEllipses, kNoise };
inline constexpr int kNumSyntheticShapes = 8;

// Shapes of random grey over a random background. Ellipses and noise have no corners, on purpose. Pixel
// centres are integers; a corner lies where the edges meet, to a fraction of a pixel. width and height at
// least 32.
SyntheticImage DrawSyntheticShape(SyntheticShape shape, int width, int height, Rng& rng);

}  // namespace colmatch
