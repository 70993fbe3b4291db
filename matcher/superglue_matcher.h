// SuperGlue as a FeatureMatcher.
#pragma once

#include <memory>
#include <vector>

#include "matcher/batch_fallback.h"
#include "matcher/feature_matcher.h"
#include "matcher/guidance/local_guidance.h"
#include "matcher/matcher_list.h"
#include "network/engines/superglue_engine.h"

namespace colmatch {

// Whether a pair is matched on the CPU from the couplings that can matter (candidates.h), where they suffice:
// not in float32 without guidance, as imported weights are used, where all couplings count, as published.
bool UsesCandidates(const SuperGlue& network, const SuperGlueOptions& options, Precision precision);

// With as many rounds of guidance as its options or weights specify. On a GPU pairs are matched together.
class SuperGlueMatcher : public FeatureMatcher {
 public:
  // Throws UsageError for a precision that the device does not compute in. The prefilter is not its own, see
  // prefiltered_matcher.h.
  explicit SuperGlueMatcher(MatcherSetup setup);

  std::shared_ptr<const PreparedImage> Prepare(const Features& features) override;
  std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs) override;
  int batch_size() const override { return is_on_gpu_ ? options_.batch_size : 1; }
  std::unique_ptr<FeatureMatcher> ShareOnCpu() const override;

 private:
  struct Image;

  SuperGlueMatcher(const SuperGlueMatcher& other, torch::Device device);
  static const Image& Of(const std::shared_ptr<const PreparedImage>& image);
  const SuperGlueEngine& EngineOn(torch::Device device) const;
  // One pair on the CPU.
  FeatureMatches MatchGuided(const Image& image0, const Image& image1);
  // The same from the couplings that can matter, where that is shown to suffice; else false and all
  // couplings.
  bool MatchCandidates(const Image& image0, const Image& image1, FeatureMatches& matches,
                       torch::Tensor& all_couplings);
  // The first `count` of the pairs, on a GPU.
  std::vector<FeatureMatches> MatchInEngine(torch::Device device, const PreparedPair* pairs, size_t count);
  std::vector<FeatureMatches> MatchSome(torch::Device device, const PreparedPair* pairs, size_t count);

  SuperGlue network_{nullptr};
  MatcherOptions options_;
  std::shared_ptr<const SuperGlueEngine> engine_;      // of the device; shared between workers on the CPU
  std::shared_ptr<const SuperGlueEngine> cpu_engine_;  // where the device is a GPU whose memory is short
  bool is_on_gpu_ = false;
  BatchFallback fallback_;
  Candidates candidates_, guided_;  // of the pair at hand, on the CPU
  CandidateSolution solution_;
};

}  // namespace colmatch
