// Verification in order; see pair_verifier.h.
#include "plugin/matching/pair_verifier.h"

#include <utility>

#include "plugin/runtime/trace.h"

namespace colmatch {
namespace {

// Pairs that may wait for each worker: enough that none idles while one pair takes longer than others.
constexpr size_t kPairsAWorker = 8;

// The configuration that COLMAP's matches_importer writes for inliers, without matrices.
TwoViewGeometry Unverified(const Camera& camera1, const Camera& camera2, const Matches& matches) {
  const bool is_calibrated = camera1.has_prior_focal_length && camera2.has_prior_focal_length;
  TwoViewGeometry geometry;
  geometry.config = matches.empty() ? TwoViewConfig::kDegenerate
                    : is_calibrated ? TwoViewConfig::kCalibrated
                                    : TwoViewConfig::kUncalibrated;
  geometry.inlier_matches = matches;
  return geometry;
}

TwoViewGeometry Verify(const VerifiedImage& image1, const VerifiedImage& image2, const Matches& matches,
                       const MatchingPipelineOptions& options) {
  const TraceSpan span("verify");
  if (options.skip_geometric_verification) return Unverified(*image1.camera, *image2.camera, matches);
  TwoViewGeometry geometry = EstimateTwoViewGeometry(*image1.camera, *image1.points, *image2.camera,
                                                     *image2.points, matches, options.geometry);
  if (geometry.inlier_matches.size() < static_cast<size_t>(options.geometry.min_num_inliers)) {
    geometry = {};  // as COLMAP stores a pair that is done and has nothing: no inliers, no matrices
    geometry.config = TwoViewConfig::kDegenerate;
  }
  return geometry;
}

}  // namespace

PairVerifier::PairVerifier(const MatchingPipelineOptions& options, DeviceThreads& threads)
    : options_(options),
      threads_(threads),
      results_(kPairsAWorker * threads.size(), "wait for verification") {}

void PairVerifier::Add(const VerifiedImage& image1, const VerifiedImage& image2, const Matches& matches,
                       Then then) {
  auto geometry = threads_.Submit(
      [image1, image2, matches, &options = options_] { return Verify(image1, image2, matches, options); });
  results_.Add(std::move(geometry), std::move(then));
}

void PairVerifier::Finish() { results_.Finish(); }

}  // namespace colmatch
