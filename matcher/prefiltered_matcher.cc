// The prefilter before a matcher; see prefiltered_matcher.h.
#include "matcher/prefiltered_matcher.h"

#include <utility>

#include "network/engines/pair_matching.h"

namespace colmatch {

struct PrefilteredMatcher::Image : PreparedImage {
  std::shared_ptr<const PreparedImage> inner;
  PrefilterRows rows;

  int64_t size() const override { return inner->size(); }
};

PrefilteredMatcher::PrefilteredMatcher(std::unique_ptr<FeatureMatcher> matcher, PrefilterSetup setup)
    : matcher_(std::move(matcher)), setup_(std::move(setup)) {
  if (!setup_.counts) setup_.counts = std::make_shared<PrefilterCounts>();
}

std::unique_ptr<FeatureMatcher> PrefilteredMatcher::ShareOnCpu() const {
  return std::make_unique<PrefilteredMatcher>(matcher_->ShareOnCpu(), setup_);
}

std::shared_ptr<const PreparedImage> PrefilteredMatcher::Prepare(const Features& features) {
  const auto image = std::make_shared<Image>();
  image->inner = matcher_->Prepare(features);
  image->rows = PrepareForPrefilter(features.descriptors, setup_.in_bf16);
  return image;
}

bool PrefilteredMatcher::IsUnpromising(const Image& image0, const Image& image1) const {
  return CountSimilarNeighbors(image0.rows, image1.rows, setup_.options.min_similarity) <
         setup_.options.min_neighbors;
}

std::vector<FeatureMatches> PrefilteredMatcher::MatchBatch(const std::vector<PreparedPair>& pairs) {
  std::vector<FeatureMatches> matches(pairs.size());
  std::vector<PreparedPair> promising;
  std::vector<size_t> places;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& image0 = static_cast<const Image&>(*pairs[i].image0);
    const auto& image1 = static_cast<const Image&>(*pairs[i].image1);
    ++setup_.counts->tested;
    if (IsUnpromising(image0, image1)) {
      ++setup_.counts->skipped;
      matches[i] = NoMatches(image0.size(), image1.size());
    } else {
      promising.push_back({image0.inner, image1.inner});
      places.push_back(i);
    }
  }
  auto found = matcher_->MatchBatch(promising);
  for (size_t i = 0; i < places.size(); ++i) matches[places[i]] = std::move(found[i]);
  return matches;
}

}  // namespace colmatch
