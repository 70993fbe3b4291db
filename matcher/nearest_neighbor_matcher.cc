// Matchers by nearest neighbours; see nearest_neighbor_matcher.h.
#include "matcher/nearest_neighbor_matcher.h"

#include <torch/torch.h>

#include <utility>

#include "matcher/features_on_device.h"

namespace colmatch {

struct NearestNeighborMatcher::Image : PreparedImage {
  Features features;

  int64_t size() const override { return features.size(); }
};

NearestNeighborMatcher::NearestNeighborMatcher(MatcherSetup setup, const NearestNeighborOptions& options)
    : options_(options),
      device_(setup.device),
      batch_size_(setup.options.batch_size),
      fallback_(setup.device, batch_size_, std::move(setup.on_memory_shortage)) {}

std::unique_ptr<FeatureMatcher> NearestNeighborMatcher::ShareOnCpu() const {
  TORCH_CHECK(device_.is_cpu(), "NearestNeighborMatcher::ShareOnCpu: the matcher is on a GPU");
  MatcherSetup setup;
  setup.options.batch_size = batch_size_;
  return std::make_unique<NearestNeighborMatcher>(std::move(setup), options_);
}

std::shared_ptr<const PreparedImage> NearestNeighborMatcher::Prepare(const Features& features) {
  const auto image = std::make_shared<Image>();
  fallback_.Prepare([&](torch::Device device) { image->features = ToDevice(features, device); },
                    features.size());
  return image;
}

std::vector<FeatureMatches> NearestNeighborMatcher::MatchBatch(const std::vector<PreparedPair>& pairs) {
  return fallback_.Match(pairs, [this](torch::Device device, const PreparedPair* some, size_t count) {
    std::vector<FeatureMatches> results;
    for (size_t i = 0; i < count; ++i) {
      const auto& image0 = static_cast<const Image&>(*some[i].image0);
      const auto& image1 = static_cast<const Image&>(*some[i].image1);
      results.push_back(OnCpu(MatchNearestNeighbors(ToDevice(image0.features, device),
                                                    ToDevice(image1.features, device), options_)));
    }
    return results;
  });
}

}  // namespace colmatch
