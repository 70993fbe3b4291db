// Tiles; see tiled_extraction.h.
#include "matcher/tiled_extraction.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "network/hessian_response.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Pixels that one score depends on, to each side: convolutions and poolings of the encoder and the detector,
// and the cell itself.
constexpr int kReceptiveRadius = 52;
constexpr int kMinTilePart = 64;
// A keypoint this near a seam is taken on both sides, as the last bits of its place may differ, and one of
// the two dropped.
constexpr float kSeamWidth = 0.01f;

int RoundUpToCells(int pixels) { return (pixels + kCellSize - 1) / kCellSize * kCellSize; }

// Along one axis: what belongs to a tile, as pixels [first, last), and what the network sees.
struct Span {
  int first = 0, last = 0;
  int seen_first = 0, seen_last = 0;
  bool at_start = true, at_end = true;
};

std::vector<Span> Divide(int size, int tile_size, int margin) {
  if (tile_size == 0 || size <= tile_size) return {{0, size, 0, size, true, true}};
  const int largest_part = (tile_size - 2 * margin) / kCellSize * kCellSize;
  const int count = (size + largest_part - 1) / largest_part;
  // On the grid of cells, which the whole image has too.
  const int part = RoundUpToCells((size + count - 1) / count);
  std::vector<Span> spans;
  for (int first = 0; first < size; first += part) {
    const int last = std::min(size, first + part);
    spans.push_back(
        {first, last, std::max(0, first - margin), std::min(size, last + margin), first == 0, last == size});
  }
  return spans;
}

// (N) bool: keypoints along one axis that belong to the span; a pixel reaches half to each side.
torch::Tensor IsWithin(const torch::Tensor& x, const Span& span) {
  auto inside = torch::ones_like(x, torch::kBool);
  if (!span.at_start) inside = inside & (x >= static_cast<float>(span.first) - 0.5f - kSeamWidth);
  if (!span.at_end) inside = inside & (x < static_cast<float>(span.last) - 0.5f + kSeamWidth);
  return inside;
}

Keypoints Chosen(const Keypoints& keypoints, const torch::Tensor& indices) {
  return {keypoints.xy.index_select(0, indices), keypoints.scores.index_select(0, indices)};
}

// The tile's own cells of the whole image's dense descriptors.
void AddTile(const SuperPointOutput& output, const Span& columns, const Span& rows,
             const torch::Tensor& image, DenseDescriptors& dense) {
  dense.sampling = output.sampling;
  const int64_t height = image.size(2) / kCellSize, width = image.size(3) / kCellSize;
  if (height == output.descriptors.size(2) && width == output.descriptors.size(3)) {
    dense.map = output.descriptors.cpu();
    return;
  }
  if (!dense.map.defined()) dense.map = torch::empty({1, output.descriptors.size(1), height, width});
  const auto cells = [](const torch::Tensor& map, const Span& span, int64_t axis, int origin) {
    return map.narrow(axis, (span.first - origin) / kCellSize,
                      span.last / kCellSize - span.first / kCellSize);
  };
  const auto own = cells(cells(output.descriptors, rows, 2, rows.seen_first), columns, 3, columns.seen_first);
  cells(cells(dense.map, rows, 2, 0), columns, 3, 0).copy_(own);
}

Features FeaturesOfTile(const DenseNetwork& network, const torch::Tensor& image, const Span& columns,
                        const Span& rows, const KeypointOptions& options, const KeypointFilter& keep,
                        torch::Device device, DenseDescriptors* dense) {
  const auto seen = image.narrow(2, rows.seen_first, rows.seen_last - rows.seen_first)
                        .narrow(3, columns.seen_first, columns.seen_last - columns.seen_first)
                        .contiguous()
                        .to(device);
  const SuperPointOutput output = network(seen);
  if (dense) AddTile(output, columns, rows, image, *dense);
  KeypointOptions all = options;
  all.max_num_features = 0;
  Keypoints keypoints = DetectKeypoints(seen, ScoresFromLogits(output.logits)[0], all);
  const auto corner =
      torch::tensor({static_cast<float>(columns.seen_first), static_cast<float>(rows.seen_first)});
  auto in_image = keypoints.xy.cpu() + corner;
  auto stays = IsWithin(in_image.select(1, 0), columns) & IsWithin(in_image.select(1, 1), rows);
  if (keep) stays = stays & keep(in_image);
  keypoints = Chosen(keypoints, stays.nonzero().squeeze(1).to(device));
  if (options.max_num_features > 0 && keypoints.scores.size(0) > options.max_num_features)
    keypoints = Chosen(keypoints, std::get<1>(torch::topk(keypoints.scores, options.max_num_features)));
  Features features;
  features.keypoints = keypoints.xy.cpu() + corner;
  features.scores = keypoints.scores.cpu();
  // What is pooled over the levels is read there.
  const int64_t count = keypoints.xy.size(0);
  features.descriptors =
      count == 0 || options.pooled_descriptors
          ? torch::zeros({output.descriptors.size(1), count})
          : SampleDescriptors(keypoints.xy.unsqueeze(0), output.descriptors, output.sampling)[0].cpu();
  return features;
}

bool IsOnSeam(float x, const std::vector<Span>& spans) {
  return std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
    return !span.at_start && std::abs(x - (static_cast<float>(span.first) - 0.5f)) <= 2 * kSeamWidth;
  });
}

// Of keypoints on a seam that two tiles found, the first.
Features WithoutTwins(const Features& features, const std::vector<Span>& columns,
                      const std::vector<Span>& rows) {
  const auto xy = features.keypoints.contiguous();
  const float* p = xy.data_ptr<float>();
  std::vector<int64_t> kept, on_seam;
  for (int64_t i = 0; i < features.size(); ++i) {
    const float x = p[2 * i], y = p[2 * i + 1];
    if (IsOnSeam(x, columns) || IsOnSeam(y, rows)) {
      const auto is_twin = [&](int64_t other) {
        return std::hypot(p[2 * other] - x, p[2 * other + 1] - y) <= 2 * kSeamWidth;
      };
      if (std::any_of(on_seam.begin(), on_seam.end(), is_twin)) continue;
      on_seam.push_back(i);
    }
    kept.push_back(i);
  }
  return SelectFeatures(features, torch::tensor(kept, torch::kLong));
}

}  // namespace

int TileMargin(const KeypointOptions& options) {
  // Each of the two rounds of suppression looks two radii far, and the first maximum one; of keypoints that
  // meet at one peak each may have moved.
  const int scores = kReceptiveRadius + 5 * options.nms_radius + 2 * options.refinement_radius;
  // The tile's border is no border of the image.
  const int border = options.remove_borders + 2 * options.refinement_radius;
  return RoundUpToCells(std::max(scores, border));
}

int SmallestTileSize(const KeypointOptions& options) { return 2 * TileMargin(options) + kMinTilePart; }

void ValidateTileSize(int tile_size, const KeypointOptions& options) {
  const int margin = TileMargin(options);
  if (tile_size != 0 && tile_size < SmallestTileSize(options)) {
    throw UsageError("SuperPoint.tile_size must be 0 (off) or at least " +
                     std::to_string(SmallestTileSize(options)) + " pixels (twice the margin of " +
                     std::to_string(margin) + " that these options need, and " +
                     std::to_string(kMinTilePart) + "), found " + std::to_string(tile_size));
  }
}

Features ExtractInTiles(const DenseNetwork& network, const torch::Tensor& image,
                        const KeypointOptions& options, int tile_size, const KeypointFilter& keep,
                        torch::Device device, DenseDescriptors* dense) {
  TORCH_CHECK(image.dim() == 4 && image.size(0) == 1, "ExtractInTiles: image must be (1, 1, H, W), got ",
              image.sizes());
  options.Validate();
  ValidateTileSize(tile_size, options);
  const int margin = TileMargin(options);
  torch::NoGradGuard no_grad;
  const auto height = static_cast<int>(image.size(2)), width = static_cast<int>(image.size(3));
  Features features{torch::zeros({0, 2}), torch::zeros({0}), torch::zeros({network.descriptor_dim(), 0})};
  if (width >= kCellSize && height >= kCellSize) {
    const auto columns = Divide(width, tile_size, margin), rows = Divide(height, tile_size, margin);
    std::vector<Features> tiles;
    for (const Span& row : rows) {
      for (const Span& column : columns)
        tiles.push_back(FeaturesOfTile(network, image, column, row, options, keep, device, dense));
    }
    features = JoinFeatures(tiles);
    if (tiles.size() > 1)
      features = StrongestFeatures(WithoutTwins(features, columns, rows), options.max_num_features);
  }
  features.width = width;
  features.height = height;
  return features;
}

}  // namespace colmatch
