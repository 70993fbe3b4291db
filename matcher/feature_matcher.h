// The interface of what matches the features of two images. Implementations are in files of their own and
// made by name (matcher_list.h).
//
// Shapes: N and M keypoints of the two images, D numbers per descriptor (network/features.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "network/features.h"

namespace colmatch {

// What a matcher computes once per image, for all its pairs. Only the matcher that made it, and those that
// share with it (ShareOnCpu), may read it; any number of them at once.
class PreparedImage {
 public:
  virtual ~PreparedImage() = default;
  virtual int64_t size() const = 0;  // keypoints
};

struct PreparedPair {
  std::shared_ptr<const PreparedImage> image0, image1;
};

// Threads: one at a time per matcher. Matchers made by ShareOnCpu work side by side.
// Throws: EnvironmentError if the GPU is lost; what the handler of a memory shortage throws.
class FeatureMatcher {
 public:
  virtual ~FeatureMatcher() = default;

  // features: of any N from 0, on any device; keypoints (N, 2) in pixels, descriptors (D, N).
  virtual std::shared_ptr<const PreparedImage> Prepare(const Features& features) = 0;

  // The matches of each pair, on the CPU, in the order of the pairs; any N and M. A pair has the same matches
  // alone and in any batch.
  virtual std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs) = 0;

  // How many pairs MatchBatch is best given: 1 where they would be matched one by one.
  virtual int batch_size() const { return 1; }

  // Another matcher for another thread, which shares the weights. Not for a matcher on a GPU (throws
  // c10::Error).
  virtual std::unique_ptr<FeatureMatcher> ShareOnCpu() const = 0;

  // MatchBatch of one pair; the result does not depend on whether its images were prepared before.
  FeatureMatches Match(const std::shared_ptr<const PreparedImage>& image0,
                       const std::shared_ptr<const PreparedImage>& image1) {
    return MatchBatch({{image0, image1}}).front();
  }
  FeatureMatches Match(const Features& features0, const Features& features1) {
    return Match(Prepare(features0), Prepare(features1));
  }
};

}  // namespace colmatch
