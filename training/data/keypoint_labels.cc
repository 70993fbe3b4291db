// Homographic adaptation; see keypoint_labels.h.
#include "training/data/keypoint_labels.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "network/hessian_response.h"
#include "network/keypoints.h"

namespace colmatch {
namespace {

torch::Tensor AsTensor(const FloatImage& image) {
  return torch::from_blob(const_cast<float*>(image.pixels.data()), {1, 1, image.height, image.width});
}

std::vector<KeypointLabel> AsLabels(const Keypoints& keypoints) {
  const auto xy = keypoints.xy.cpu().contiguous(), scores = keypoints.scores.cpu().contiguous();
  std::vector<KeypointLabel> result(static_cast<size_t>(xy.size(0)));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = {xy.data_ptr<float>()[2 * i], xy.data_ptr<float>()[2 * i + 1], scores.data_ptr<float>()[i]};
  }
  return result;
}

Keypoints PeaksOf(const torch::Tensor& response, double threshold, int nms_radius, int max_peaks) {
  KeypointOptions selection;
  selection.max_num_features = max_peaks;
  selection.keypoint_threshold = threshold;
  selection.nms_radius = nms_radius;
  return SelectKeypoints(response, selection);
}

// Where the views' detections fell on the photo's pixel grid.
struct VoteMap {
  VoteMap(int w, int h) : width(w), height(h), votes(w * h), sum_x(w * h), sum_y(w * h), seen(w * h) {}
  int width, height;
  std::vector<float> votes, sum_x, sum_y, seen;

  void AddDetection(Point2 p) {
    const int x = static_cast<int>(std::lround(p.x)), y = static_cast<int>(std::lround(p.y));
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const size_t i = static_cast<size_t>(y) * width + x;
    votes[i] += 1;
    sum_x[i] += static_cast<float>(p.x);
    sum_y[i] += static_cast<float>(p.y);
  }
};

void MarkSeen(VoteMap& map, const Homography& view_from_photo, int view_width, int view_height) {
  for (int y = 0; y < map.height; ++y) {
    for (int x = 0; x < map.width; ++x) {
      const Point2 p = view_from_photo.Apply({static_cast<double>(x), static_cast<double>(y)});
      map.seen[static_cast<size_t>(y) * map.width + x] +=
          p.x >= 4 && p.y >= 4 && p.x <= view_width - 5 && p.y <= view_height - 5;
    }
  }
}

// Votes within one pixel belong together: 3 x 3 sums, local maxima, mean place.
std::vector<KeypointLabel> LabelsOf(const VoteMap& map, const AdaptationOptions& o) {
  const int w = map.width, h = map.height;
  std::vector<float> share(static_cast<size_t>(w) * h);
  std::vector<KeypointLabel> means(share.size());
  const float least_views =
      std::min(3.0f, static_cast<float>(o.num_warps));  // one vote at the margin is no label
  for (int y = 1; y + 1 < h; ++y) {
    for (int x = 1; x + 1 < w; ++x) {
      float votes = 0, sx = 0, sy = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const size_t j = static_cast<size_t>(y + dy) * w + x + dx;
          votes += map.votes[j], sx += map.sum_x[j], sy += map.sum_y[j];
        }
      }
      if (votes == 0) continue;
      const size_t i = static_cast<size_t>(y) * w + x;
      const float distance = std::abs(sx / votes - x) + std::abs(sy / votes - y);
      const float repeatability = votes / std::max(least_views, map.seen[i]);
      share[i] = repeatability - 1e-3f * distance;  // of equal neighbours, the one the mean falls on
      means[i] = {sx / votes, sy / votes, std::min(1.0f, repeatability)};
    }
  }
  const auto response = torch::from_blob(share.data(), {h, w});
  auto labels = AsLabels(PeaksOf(response, o.min_repeatability, o.nms_radius, o.max_labels));
  for (KeypointLabel& label : labels) {
    label = means[static_cast<size_t>(label.y) * w + static_cast<size_t>(label.x)];
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return labels;
}

}  // namespace

std::vector<KeypointLabel> HessianPeaks(const torch::Tensor& image, const PeakOptions& options) {
  torch::NoGradGuard no_grad;
  const auto response = HessianResponse(image);
  const double threshold =
      std::max(options.absolute_threshold, options.relative_threshold * response.max().item<double>());
  // Suppression alone recovers places on the slopes of stronger peaks.
  Keypoints peaks = PeaksOf(LocalPeaks(response), threshold, options.nms_radius, options.max_peaks);
  peaks.xy = RefineToParabola(peaks.xy, response);
  auto labels = AsLabels(peaks);
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return labels;
}

Detector HessianDetector(const PeakOptions& options) {
  return [options](const FloatImage& image) { return HessianPeaks(AsTensor(image), options); };
}

Detector SuperPointDetector(SuperPoint network, double keypoint_threshold, int nms_radius,
                            int max_keypoints) {
  network->eval();
  return [=](const FloatImage& image) mutable {
    torch::NoGradGuard no_grad;
    const auto device = network->parameters().front().device();
    const auto scores = ScoresFromLogits(network->forward(AsTensor(image).to(device)).logits)[0].cpu();
    return AsLabels(PeaksOf(scores, keypoint_threshold, nms_radius, max_keypoints));
  };
}

std::vector<KeypointLabel> AdaptLabels(const FloatImage& photo, const Detector& detector,
                                       const AdaptationOptions& options, Rng& rng) {
  const int w = photo.width, h = photo.height;
  VoteMap map(w, h);
  for (int i = 0; i < options.num_warps; ++i) {
    Homography photo_from_view;
    if (i > 0) {
      photo_from_view =
          HomographyFromCorners(ImageCorners(w, h), SampleQuadrilateral(w, h, options.homography, rng));
    }
    const FloatImage view = i > 0 ? WarpImage(photo, photo_from_view, w, h) : photo;
    for (const KeypointLabel& found : detector(view))
      map.AddDetection(photo_from_view.Apply({found.x, found.y}));
    MarkSeen(map, photo_from_view.Inverse(), w, h);
  }
  return LabelsOf(map, options);
}

}  // namespace colmatch
