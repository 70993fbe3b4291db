// Verification and writing; see pair_writer.h.
#include "plugin/pair_writer.h"

#include <algorithm>

#include "network/error.h"

namespace colmatch {
namespace {

constexpr int kPairsPerTransaction = 100;
constexpr auto kSecondsPerTransaction = std::chrono::seconds(5);

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

PairWriter::PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options, int num_threads,
                       MatchingPipelineStats& stats)
    : database_(database),
      options_(options),
      max_pending_(static_cast<size_t>(std::max(1, num_threads)) * 2),
      stats_(stats) {}

PairWriter::~PairWriter() = default;

void PairWriter::AddPair(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                         const std::string& provenance) {
  ReplaceIfBetter(image1, image2, std::move(rows), provenance, "");
}

void PairWriter::AddGeometry(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches) {
  Pending pair;
  pair.rows.matches = std::move(matches);
  Add(image1, image2, std::move(pair));
}

void PairWriter::AddImported(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches) {
  Pending pair;
  pair.rows.matches = std::move(matches);
  pair.has_new_matches = true;
  Add(image1, image2, std::move(pair));
}

void PairWriter::ReplaceIfBetter(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                                 const std::string& provenance, const std::string& kept) {
  Pending pair;
  pair.rows = std::move(rows);
  pair.has_new_matches = true;
  pair.provenance = provenance;
  pair.kept = kept;
  Add(image1, image2, std::move(pair));
}

void PairWriter::Add(const VerifiedImage& image1, const VerifiedImage& image2, Pending pair) {
  if (pending_.size() >= max_pending_) WriteOldest();
  pair.id1 = image1.image_id;
  pair.id2 = image2.image_id;
  pair.geometry = std::async(std::launch::async, [image1, image2, matches = pair.rows.matches, this] {
    return Verify(image1, image2, matches, options_);
  });
  pending_.push_back(std::move(pair));
}

void PairWriter::WriteOldest() {
  Pending pair = std::move(pending_.front());
  pending_.pop_front();
  const TwoViewGeometry geometry = pair.geometry.get();
  const bool replaces = !pair.kept.empty();
  if (replaces && database_.ReadTwoViewGeometry(pair.id1, pair.id2).inlier_matches.size() >=
                      geometry.inlier_matches.size()) {
    return SetProvenance(pair.id1, pair.id2, pair.kept);
  }
  BeginIfDue();
  if (replaces) database_.DeletePair(pair.id1, pair.id2);
  Write(pair, geometry);
  CommitIfDue(false);
}

// Another program on this database may have been faster since the pair was begun; its rows stay.
bool PairWriter::IsThere(const Pending& pair) {
  if (!pair.has_new_matches || !database_.HasMatches(pair.id1, pair.id2))
    return database_.HasTwoViewGeometry(pair.id1, pair.id2);
  const auto found = database_.ReadPairProvenance(pair.id1, pair.id2);
  if (found && found->text != pair.provenance) {
    throw UsageError(
        database_.path() + ": another program is matching this database with other weights or options (" +
        found->text + "; here: " + pair.provenance + "); let one of them finish, or use another database");
  }
  return true;
}

void PairWriter::Write(const Pending& pair, const TwoViewGeometry& geometry) {
  if (IsThere(pair)) {
    ++stats_.already_there;
    return;
  }
  if (pair.has_new_matches) database_.WriteMatches(pair.id1, pair.id2, pair.rows.matches);
  if (!pair.provenance.empty()) {
    database_.WritePairProvenance(pair.id1, pair.id2, pair.provenance, pair.rows.confidences);
  }
  database_.WriteTwoViewGeometry(pair.id1, pair.id2, geometry);
  ++stats_.matched;
  stats_.num_matches += static_cast<int64_t>(pair.rows.matches.size());
  stats_.num_inliers += static_cast<int64_t>(geometry.inlier_matches.size());
  if (!geometry.inlier_matches.empty()) ++stats_.verified;
}

void PairWriter::SetProvenance(image_t id1, image_t id2, const std::string& provenance) {
  BeginIfDue();
  const auto found = database_.ReadPairProvenance(id1, id2);
  database_.WritePairProvenance(id1, id2, provenance, found ? found->scores : std::vector<float>{});
  CommitIfDue(false);
}

void PairWriter::BeginIfDue() {
  ++pairs_in_transaction_;
  if (transaction_) return;
  transaction_.emplace(database_.BeginTransaction());
  transaction_start_ = std::chrono::steady_clock::now();
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
