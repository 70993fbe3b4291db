// Verifies matched pairs on worker threads and writes them, in order, in bounded transactions.
#pragma once

#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "database_io/colmap_database.h"
#include "plugin/matching_pipeline.h"

namespace colmatch {

// What verification and writing need of one image.
struct VerifiedImage {
  image_t image_id = 0;
  std::shared_ptr<const Camera> camera;
  std::shared_ptr<const std::vector<Eigen::Vector2d>> points;  // COLMAP's pixels
};

class PairWriter {
 public:
  PairWriter(ColmapDatabase& database, const MatchingPipelineOptions& options, int num_threads,
             std::string provenance, MatchingPipelineStats& stats);
  // Commits what was added unless an exception is under way; call Finish() to see errors.
  ~PairWriter();

  // matches and confidences of (image1, image2); write_matches false: only the geometry is missing.
  void Add(const VerifiedImage& image1, const VerifiedImage& image2, Matches matches,
           std::vector<float> confidences, bool write_matches);
  void Finish();

 private:
  struct Pending {
    image_t id1 = 0, id2 = 0;
    Matches matches;
    std::vector<float> confidences;
    bool write_matches = false;
    std::future<TwoViewGeometry> geometry;
  };

  void WriteOldest();
  void CommitIfDue(bool now);

  ColmapDatabase& database_;
  const MatchingPipelineOptions& options_;
  size_t max_pending_;
  std::string provenance_;
  MatchingPipelineStats& stats_;
  std::deque<Pending> pending_;
  std::optional<Transaction> transaction_;
  std::chrono::steady_clock::time_point transaction_start_;
  int pairs_in_transaction_ = 0;
};

}  // namespace colmatch
