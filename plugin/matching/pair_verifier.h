// Verifies matched pairs on the workers and hands the results back in order.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <vector>

#include "plugin/matching/matching_job.h"
#include "plugin/workers/device_threads.h"
#include "plugin/workers/in_order.h"

namespace colmatch {

// What verification and writing need of one image.
struct VerifiedImage {
  image_t image_id = 0;
  std::shared_ptr<const Camera> camera;
  std::shared_ptr<const std::vector<Eigen::Vector2d>> points;  // COLMAP's pixels
};

// A pair's geometry is a function of the pair and the options alone, whatever came before it.
class PairVerifier {
 public:
  using Then = std::function<void(const TwoViewGeometry&)>;

  // Both must outlive it. The threads may have other work too: the matchers'.
  PairVerifier(const MatchingPipelineOptions& options, DeviceThreads& threads);

  // `then` is called with the result during a later Add() or Finish(), in the order of the Add()s, and what
  // it or the verification throws comes through there.
  void Add(const VerifiedImage& image1, const VerifiedImage& image2, const Matches& matches, Then then);
  void Finish();

 private:
  const MatchingPipelineOptions& options_;
  DeviceThreads& threads_;
  InOrder<TwoViewGeometry> results_;
};

}  // namespace colmatch
