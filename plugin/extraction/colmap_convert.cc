// Conversion; see colmap_convert.h.
#include "plugin/extraction/colmap_convert.h"

#include <torch/torch.h>

#include <algorithm>

namespace colmatch {
namespace {

std::vector<float> ToVector(const torch::Tensor& tensor) {
  const auto contiguous = tensor.contiguous();
  return {contiguous.data_ptr<float>(), contiguous.data_ptr<float>() + contiguous.numel()};
}

torch::Tensor FromVector(const std::vector<float>& values, at::IntArrayRef sizes) {
  return torch::from_blob(const_cast<float*>(values.data()), sizes).clone();
}

}  // namespace

KeypointsBlob KeypointsForColmap(const Features& features) {
  KeypointsBlob blob;
  blob.rows = static_cast<size_t>(features.size());
  blob.xy = ToVector(features.keypoints + kColmapPixelShift);
  if (features.scales.defined()) blob.SetScales(ToVector(features.scales));
  return blob;
}

Descriptors DescriptorsForColmap(const Features& features) {
  Descriptors descriptors;
  descriptors.rows = static_cast<size_t>(features.size());
  descriptors.dim = static_cast<int>(features.descriptors.size(0));
  descriptors.values = ToVector(features.descriptors.t());
  return descriptors;
}

std::vector<float> ScoresForColmap(const Features& features) { return ToVector(features.scores); }

Features FeaturesFromColmap(const KeypointsBlob& keypoints, const Descriptors& descriptors,
                            const std::vector<float>& scores, int64_t width, int64_t height) {
  const auto n = static_cast<int64_t>(keypoints.rows);
  Features features;
  features.keypoints = FromVector(keypoints.xy, {n, 2}) - kColmapPixelShift;
  features.scores = FromVector(scores, {n});
  features.descriptors = FromVector(descriptors.values, {n, descriptors.dim}).t().contiguous();
  features.width = static_cast<int>(width);
  features.height = static_cast<int>(height);
  if (keypoints.cols == 4) features.scales = FromVector(keypoints.scales, {n});
  return features;
}

std::vector<Eigen::Vector2d> PointsInColmap(const KeypointsBlob& keypoints) {
  std::vector<Eigen::Vector2d> points(keypoints.rows);
  for (size_t i = 0; i < points.size(); ++i) points[i] = {keypoints.xy[2 * i], keypoints.xy[2 * i + 1]};
  return points;
}

Matches MatchesForColmap(const std::vector<MatchedPair>& pairs) {
  Matches matches(pairs.size());
  std::transform(pairs.begin(), pairs.end(), matches.begin(), [](const MatchedPair& p) {
    return std::array<uint32_t, 2>{static_cast<uint32_t>(p.index0), static_cast<uint32_t>(p.index1)};
  });
  return matches;
}

}  // namespace colmatch
