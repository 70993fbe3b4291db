// Verification and writing; see pair_writer.h.
#include "plugin/matching/pair_writer.h"

#include "plugin/runtime/trace.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kPairsPerTransaction = 100;
constexpr auto kSecondsPerTransaction = std::chrono::seconds(5);

}  // namespace

PairWriter::PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options,
                       DeviceThreads& threads, MatchingPipelineStats& stats)
    : database_(database), stats_(stats), verifier_(options, threads) {}

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
  pair.id1 = image1.image_id;
  pair.id2 = image2.image_id;
  const Matches matches = pair.rows.matches;
  verifier_.Add(image1, image2, matches, [this, pair = std::move(pair)](const TwoViewGeometry& geometry) {
    WriteVerified(pair, geometry);
  });
}

void PairWriter::WriteVerified(const Pending& pair, const TwoViewGeometry& geometry) {
  const TraceSpan span("write");
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

// Another program on this database may have been faster since the pair was begun; its rows stay. Rows of
// features that were made anew since make room.
bool PairWriter::IsThere(const Pending& pair) {
  if (!pair.has_new_matches || !database_.HasMatches(pair.id1, pair.id2))
    return database_.HasTwoViewGeometry(pair.id1, pair.id2);
  const auto found = database_.ReadPairProvenance(pair.id1, pair.id2);
  if (found && found->outdated) {
    database_.DeletePair(pair.id1, pair.id2);
    return false;
  }
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
  verifier_.Finish();
  CommitIfDue(true);
}

}  // namespace colmatch
