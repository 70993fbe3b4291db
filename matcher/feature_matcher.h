// The interface of matchers, which match the features of two images. Each implementation has a file of its
// own and is created by name (matcher_list.h).
//
// Shapes: the two images have N and M keypoints, a descriptor has D numbers (network/features.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "network/features.h"

namespace colmatch {

// What a matcher computes once per image, for all pairs of the image. Only the matcher that made it and the
// matchers that share weights with that one (ShareOnCpu) may read it; several may read it at the same time.
class PreparedImage {
 public:
  virtual ~PreparedImage() = default;
  virtual int64_t size() const = 0;  // keypoints
};

struct PreparedPair {
  std::shared_ptr<const PreparedImage> image0, image1;
};

// Threads: one thread at a time per matcher. Matchers made by ShareOnCpu can run in parallel.
// Throws EnvironmentError if the GPU is lost, and whatever the handler of a memory shortage throws.
class FeatureMatcher {
 public:
  virtual ~FeatureMatcher() = default;

  // features: any number of keypoints, 0 included, on any device; keypoints (N, 2) in pixels, descriptors (D,
  // N).
  virtual std::shared_ptr<const PreparedImage> Prepare(const Features& features) = 0;

  // The matches of each pair, on the CPU, in the order of the pairs; any N and M. The matches of a pair do
  // not depend on the other pairs of the batch.
  virtual std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs) = 0;

  // The best number of pairs for one call of MatchBatch; 1 if the matcher processes pairs one by one.
  virtual int batch_size() const { return 1; }

  // Another matcher for another thread, which shares the weights. Not supported for a matcher on a GPU
  // (throws c10::Error).
  virtual std::unique_ptr<FeatureMatcher> ShareOnCpu() const = 0;

  // MatchBatch for one pair. The result does not depend on whether the images were prepared before.
  FeatureMatches Match(const std::shared_ptr<const PreparedImage>& image0,
                       const std::shared_ptr<const PreparedImage>& image1) {
    return MatchBatch({{image0, image1}}).front();
  }
  FeatureMatches Match(const Features& features0, const Features& features1) {
    return Match(Prepare(features0), Prepare(features1));
  }
};

}  // namespace colmatch
