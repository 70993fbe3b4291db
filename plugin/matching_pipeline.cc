// Matching of a collection; see matching_pipeline.h.
#include "plugin/matching_pipeline.h"

#include <algorithm>
#include <map>

#include "database_io/colmap_database.h"
#include "network/error.h"
#include "plugin/database_options.h"
#include "plugin/image_store.h"
#include "plugin/matching_setup.h"
#include "plugin/pair_writer.h"
#include "plugin/progress.h"
#include "plugin/stop_signal.h"

namespace colmatch {

std::vector<std::pair<int, int>> ExhaustivePairs(int num_images, int block_size) {
  if (block_size < 1)
    throw UsageError("--ExhaustiveMatching.block_size must be at least 1, found " +
                     std::to_string(block_size));
  std::vector<std::pair<int, int>> pairs;
  for (int start0 = 0; start0 < num_images; start0 += block_size) {
    for (int start1 = start0; start1 < num_images; start1 += block_size) {
      for (int i = start0; i < std::min(num_images, start0 + block_size); ++i) {
        for (int j = std::max(i + 1, start1); j < std::min(num_images, start1 + block_size); ++j)
          pairs.emplace_back(i, j);
      }
    }
  }
  return pairs;
}

MatchingPipelineStats MatchExhaustively(const MatchingPipelineOptions& o, const CommonOptions& common) {
  o.geometry.Validate();
  MatchingPipelineStats stats;
  FeatureMatcher matcher = MakeMatcher(o, common, stats.weights);
  ColmapDatabase database(o.database_path, DatabaseMode::kOpenExisting, ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  const std::string provenance = MatchingProvenance(o, common, stats.weights.sha256);

  const auto images = ImagesWithFeatures(database, stats);
  const auto pairs = ExhaustivePairs(static_cast<int>(images.size()), o.block_size);
  ImageStore store(database, o.block_size);
  PairWriter writer(database, o, NumWorkers(common), stats);
  ProgressBar bar("matching", static_cast<int64_t>(pairs.size()), common.progress);
  int64_t done = 0;
  for (const auto& [i, j] : pairs) {
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    bar.Update(++done);
    const PairState state = StateOf(database, images[i], images[j], provenance);
    if (state.IsDone()) {
      ++stats.already_there;
      continue;
    }
    const auto image0 = store.Get(images[i], true), image1 = store.Get(images[j], true);
    if (state.matched) {
      writer.AddGeometry(image0->geometry, image1->geometry,
                         database.ReadMatches(images[i].image_id, images[j].image_id));
    } else {
      writer.AddPair(image0->geometry, image1->geometry,
                     MatchImages(matcher, image0->features, image1->features), provenance);
    }
  }
  writer.Finish();
  return stats;
}

MatchingPipelineStats VerifyMatches(const MatchingPipelineOptions& o, const CommonOptions& common) {
  o.geometry.Validate();
  ColmapDatabase database(o.database_path, DatabaseMode::kOpenExisting, ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  MatchingPipelineStats stats;
  std::map<image_t, Image> images;
  for (const Image& image : ImagesWithFeatures(database, stats)) images[image.image_id] = image;
  const auto pairs = database.AllMatchedPairs();
  ImageStore store(database, o.block_size);
  PairWriter writer(database, o, NumWorkers(common), stats);
  ProgressBar bar("verifying", static_cast<int64_t>(pairs.size()), common.progress);
  int64_t done = 0;
  for (const auto& [id1, id2] : pairs) {
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    bar.Update(++done);
    if (database.HasTwoViewGeometry(id1, id2)) {
      ++stats.already_there;
      continue;
    }
    if (images.count(id1) == 0 || images.count(id2) == 0) continue;  // named among the skipped images
    writer.AddGeometry(store.Get(images[id1], false)->geometry, store.Get(images[id2], false)->geometry,
                       database.ReadMatches(id1, id2));
  }
  writer.Finish();
  return stats;
}

}  // namespace colmatch
