// Verifies matched pairs and writes them, in order, in bounded transactions.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "database_io/colmap_database.h"
#include "plugin/matching/matching_job.h"
#include "plugin/matching/pair_rows.h"
#include "plugin/matching/pair_verifier.h"

namespace colmatch {

class PairWriter {
 public:
  // All must outlive it. threads: where pairs are verified.
  PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options, DeviceThreads& threads,
             MatchingPipelineStats& stats);
  // Commits what was added unless an exception is under way; call Finish() to see errors.
  ~PairWriter();

  void AddPair(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
               const std::string& provenance);
  // Of matches that are there.
  void AddGeometry(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches);
  // Matches that another program made: nothing is said beside them of how.
  void AddImported(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches);
  // In place of a pair that is there if these are more inliers than it has; otherwise it stays, and its
  // provenance becomes `kept`.
  void ReplaceIfBetter(const VerifiedImage& image1, const VerifiedImage& image2, PairRows rows,
                       const std::string& provenance, const std::string& kept);
  // A pair that is there stays as it is but for this text.
  void SetProvenance(image_t id1, image_t id2, const std::string& provenance);
  void Finish();

 private:
  struct Pending {
    image_t id1 = 0, id2 = 0;
    PairRows rows;
    bool has_new_matches = false;  // to be written beside the geometry
    std::string provenance;        // empty: others made the matches
    std::string kept;              // not empty: there may be better ones
  };

  void Add(const VerifiedImage& image1, const VerifiedImage& image2, Pending pair);
  void WriteVerified(const Pending& pair, const TwoViewGeometry& geometry);
  bool IsThere(const Pending& pair);
  void Write(const Pending& pair, const TwoViewGeometry& geometry);
  void BeginIfDue();
  void CommitIfDue(bool now);

  ColmapDatabase& database_;
  MatchingPipelineStats& stats_;
  PairVerifier verifier_;
  std::optional<Transaction> transaction_;
  std::chrono::steady_clock::time_point transaction_start_;
  int pairs_in_transaction_ = 0;
};

}  // namespace colmatch
