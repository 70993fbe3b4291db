// Matching of a collection; see matching_pipeline.h.
#include "plugin/matching/matching_pipeline.h"

#include <map>
#include <memory>
#include <utility>

#include "database_io/colmap_database.h"
#include "matcher/matcher_list.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/precision_choice.h"
#include "plugin/matching/image_store.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/matching/pair_batch.h"
#include "plugin/matching/pair_writer.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Nearest neighbours have one precision.
CommonOptions PrecisionForMatcher(const MatchingPipelineOptions& o, const CommonOptions& common,
                                  ColmapDatabase& database) {
  if (!FindMatcher(o.matching.matcher).needs_superglue) return common;
  return WithPrecision(common, database, RowsKind::kPairs);
}

}  // namespace

MatchingPipelineStats MatchPairs(const MatchingPipelineOptions& o, const CommonOptions& given,
                                 const PairSourceMaker& make_source) {
  o.geometry.Validate();
  MatchingPipelineStats stats;
  ColmapDatabase database(o.database_path, DatabaseMode::kOpenExisting, ConnectionOptionsOf(given));
  const CommonOptions common = PrecisionForMatcher(o, given, database);
  const MatcherParts parts(o, common, stats.weights);
  database.CheckWritable();
  database.CompleteFrames();
  const std::string provenance = MatchingProvenance(o, common, stats.weights);

  const auto images = ImagesWithFeatures(database, stats);
  TellOfUnknownFeatures(database, images);
  const int workers = WorkersForPairs(database, images, common);
  const auto source = make_source(database, images);
  if (StopRequested()) {  // a source that was interrupted does not know all its pairs
    stats.stopped = true;
    return stats;
  }
  ImageStore store(database, o.block_size);
  MatcherPool matchers = parts.Pool(workers, ImageStore::CapacityFor(o.block_size));
  VerificationThreads verification(matchers, parts.OnCpu(), common);
  PairWriter writer(database, o, verification.threads(), stats);
  PairBatch batch(matchers);
  ProgressBar bar("matching", source->num_pairs(), common.progress);
  ProgressLines lines(common.progress);
  int64_t done = 0;
  while (!stats.stopped) {
    const auto block = source->Next();
    if (block.empty()) break;
    bar.SetTotal(source->num_pairs());
    for (const auto& [i, j] : block) {
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
        batch.Add({images[i].image_id, image0->features}, {images[j].image_id, image1->features},
                  [&writer, &provenance, image0, image1](PairRows rows) {
                    writer.AddPair(image0->geometry, image1->geometry, std::move(rows), provenance);
                  });
      }
    }
    batch.Finish();
    writer.Finish();
    if (!source->position().empty()) lines.Block(source->position());
  }
  parts.SaySkippedPairs();
  stats.image_loads = store.loads();
  return stats;
}

MatchingPipelineStats MatchExhaustively(const MatchingPipelineOptions& o, const CommonOptions& common) {
  return MatchPairs(o, common, [&](ColmapDatabase&, const std::vector<Image>& images) {
    return std::make_unique<ExhaustivePairs>(static_cast<int>(images.size()), o.block_size);
  });
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
  DeviceThreads threads(NumWorkers(common));
  PairWriter writer(database, o, threads, stats);
  ProgressBar bar("verifying", static_cast<int64_t>(pairs.size()), common.progress);
  int64_t done = 0;
  for (const auto& [id1, id2] : pairs) {
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    bar.Update(++done);
    if (images.count(id1) == 0 || images.count(id2) == 0) continue;  // named among the skipped images
    const auto made_by = database.ReadPairProvenance(id1, id2);
    if (made_by && made_by->outdated) {
      stats.skipped.push_back({images[id1].name + " " + images[id2].name,
                               "their matches are of features that were made anew since: match them again"});
      continue;
    }
    if (database.HasTwoViewGeometry(id1, id2)) {
      ++stats.already_there;
      continue;
    }
    writer.AddGeometry(store.Get(images[id1], false)->geometry, store.Get(images[id2], false)->geometry,
                       database.ReadMatches(id1, id2));
  }
  writer.Finish();
  return stats;
}

}  // namespace colmatch
