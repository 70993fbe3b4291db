// Verifies matched pairs on worker threads and hands the results back in order.
#pragma once

#include <Eigen/Core>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "plugin/matching_pipeline.h"

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

  // options must outlive it.
  PairVerifier(const MatchingPipelineOptions& options, int num_threads);

  // `then` is called with the result during a later Add() or Finish(), in the order of the Add()s, and what
  // it or the verification throws comes through there.
  void Add(const VerifiedImage& image1, const VerifiedImage& image2, const Matches& matches, Then then);
  void Finish();

 private:
  struct Pending {
    std::future<TwoViewGeometry> geometry;
    Then then;
  };
  void HandBackOldest();

  const MatchingPipelineOptions& options_;
  size_t max_pending_;
  std::deque<Pending> pending_;
};

}  // namespace colmatch
