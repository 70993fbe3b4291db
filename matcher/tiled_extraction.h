// Features of images of any size in bounded memory: SuperPoint looks at tiles, and what it finds is what it
// finds in the whole image. Also the place where keypoints are refused (masks) before the strongest are
// chosen.
#pragma once

#include <functional>

#include "network/keypoints.h"

namespace colmatch {

// Which keypoints stay: xy (N, 2) float32 pixels of the image, on the CPU; returns (N) bool. Empty: all.
using KeypointFilter = std::function<torch::Tensor(const torch::Tensor& xy)>;

// Pixels around a tile's own part that the network sees too: as far as a score, its suppression and its
// refinement look. Keypoints and descriptors of the part are then those of the whole image, up to the last
// bits of sums (descriptors of networks that read them kPublished, which stretches them over the image it
// sees, excepted).
int TileMargin(const KeypointOptions& options);

int SmallestTileSize(const KeypointOptions& options);

// Throws UsageError for a tile_size that leaves no room between the margins; 0 is no tiles.
void ValidateTileSize(int tile_size, const KeypointOptions& options);

// ExtractFeatures, with the filter before max_num_features is applied. image (1, 1, H, W) float in [0, 1] on
// any device; tiles go to `device`, the network's, one by one. tile_size: longest side of what the network
// sees at once, pixels; 0: the whole image. The features are on the CPU. dense, if given, becomes the
// descriptors of the whole image, on the CPU: 4 D bytes per cell of 8 x 8 pixels. Throws UsageError for a
// tile_size that leaves no room between the margins.
Features ExtractInTiles(const DenseNetwork& network, const torch::Tensor& image,
                        const KeypointOptions& options, int tile_size, const KeypointFilter& keep = {},
                        torch::Device device = torch::kCPU, DenseDescriptors* dense = nullptr);

}  // namespace colmatch
