// Verification and writing; see pair_writer.h.
#include "plugin/pair_writer.h"

#include <algorithm>

namespace colmatch {
namespace {

constexpr int kPairsPerTransaction = 100;
constexpr auto kSecondsPerTransaction = std::chrono::seconds(5);

TwoViewGeometry Unverified(const Matches& matches) {
  TwoViewGeometry geometry;
  geometry.config = matches.empty() ? TwoViewConfig::kDegenerate : TwoViewConfig::kUncalibrated;
  geometry.inlier_matches = matches;
  return geometry;
}

TwoViewGeometry Verify(const VerifiedImage& image1, const VerifiedImage& image2, const Matches& matches,
                       const MatchingPipelineOptions& options) {
  if (options.skip_geometric_verification) return Unverified(matches);
  TwoViewGeometry geometry = EstimateTwoViewGeometry(*image1.camera, *image1.points, *image2.camera,
                                                     *image2.points, matches, options.geometry);
  if (geometry.inlier_matches.size() < static_cast<size_t>(options.geometry.min_num_inliers)) {
    geometry = {};  // as COLMAP stores a pair that is done and has nothing: no inliers, no matrices
    geometry.config = TwoViewConfig::kDegenerate;
  }
  return geometry;
}

}  // namespace

PairWriter::PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options, int num_threads,
                       std::string provenance, MatchingPipelineStats& stats)
    : database_(database),
      options_(options),
      max_pending_(static_cast<size_t>(std::max(1, num_threads)) * 2),
      provenance_(std::move(provenance)),
      stats_(stats) {}

PairWriter::~PairWriter() = default;

void PairWriter::Add(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches,
                     std::vector<float> confidences, bool write_matches) {
  if (pending_.size() >= max_pending_) WriteOldest();
  Pending pair;
  pair.id1 = image1.image_id;
  pair.id2 = image2.image_id;
  pair.geometry = std::async(std::launch::async, [image1, image2, matches, this] {
    return Verify(image1, image2, matches, options_);
  });
  pair.matches = std::move(matches);
  pair.confidences = std::move(confidences);
  pair.write_matches = write_matches;
  pending_.push_back(std::move(pair));
}

void PairWriter::WriteOldest() {
  Pending pair = std::move(pending_.front());
  pending_.pop_front();
  const TwoViewGeometry geometry = pair.geometry.get();
  if (!transaction_) {
    transaction_.emplace(database_.BeginTransaction());
    transaction_start_ = std::chrono::steady_clock::now();
  }
  if (pair.write_matches) {
    database_.WriteMatches(pair.id1, pair.id2, pair.matches);
    database_.WritePairProvenance(pair.id1, pair.id2, provenance_, pair.confidences);
  }
  database_.WriteTwoViewGeometry(pair.id1, pair.id2, geometry);
  ++stats_.matched;
  stats_.num_matches += static_cast<int64_t>(pair.matches.size());
  stats_.num_inliers += static_cast<int64_t>(geometry.inlier_matches.size());
  if (!geometry.inlier_matches.empty()) ++stats_.verified;
  ++pairs_in_transaction_;
  CommitIfDue(false);
}

void PairWriter::CommitIfDue(bool now) {
  if (!transaction_) return;
  const bool due = pairs_in_transaction_ >= kPairsPerTransaction ||
                   std::chrono::steady_clock::now() - transaction_start_ > kSecondsPerTransaction;
  if (!now && !due) return;
  transaction_->Commit();
  transaction_.reset();
  pairs_in_transaction_ = 0;
}

void PairWriter::Finish() {
  while (!pending_.empty()) WriteOldest();
  CommitIfDue(true);
}

}  // namespace colmatch
