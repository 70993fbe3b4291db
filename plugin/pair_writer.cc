// Verification and writing; see pair_writer.h.
#include "plugin/pair_writer.h"

namespace colmatch {
namespace {

constexpr int kPairsPerTransaction = 100;
constexpr auto kSecondsPerTransaction = std::chrono::seconds(5);

}  // namespace

PairWriter::PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options, int num_threads,
                       MatchingPipelineStats& stats)
    : database_(database), stats_(stats), verifier_(options, num_threads) {}

PairWriter::~PairWriter() = default;

void PairWriter::AddPair(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                         const std::string& provenance) {
  Add(image1, image2, std::move(rows), provenance, "");
}

void PairWriter::AddGeometry(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches) {
  Add(image1, image2, {std::move(matches), {}}, "", "");
}

void PairWriter::ReplaceIfBetter(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                                 const std::string& provenance, const std::string& kept) {
  Add(image1, image2, std::move(rows), provenance, kept);
}

void PairWriter::Add(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                     std::string provenance, std::string kept) {
  Pending pair;
  pair.id1 = image1.image_id;
  pair.id2 = image2.image_id;
  pair.rows = std::move(rows);
  pair.provenance = std::move(provenance);
  pair.kept = std::move(kept);
  const Matches matches = pair.rows.matches;
  verifier_.Add(image1, image2, matches, [this, pair = std::move(pair)](const TwoViewGeometry& geometry) {
    WriteVerified(pair, geometry);
  });
}

void PairWriter::WriteVerified(const Pending& pair, const TwoViewGeometry& geometry) {
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

void PairWriter::Write(const Pending& pair, const TwoViewGeometry& geometry) {
  if (!pair.provenance.empty()) {
    database_.WriteMatches(pair.id1, pair.id2, pair.rows.matches);
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
