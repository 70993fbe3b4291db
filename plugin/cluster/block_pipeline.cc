// Tasks of a plan; see block_pipeline.h.
#include "plugin/cluster/block_pipeline.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "database_io/blob.h"
#include "matcher/memory_needs.h"
#include "plugin/cluster/cluster_plan.h"
#include "plugin/cluster/given_options.h"
#include "plugin/cluster/record_file.h"
#include "plugin/extraction/cluster_records.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/extraction/worker_memory.h"
#include "plugin/matching/image_store.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/matching/pair_batch.h"
#include "plugin/matching/pair_verifier.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"
#include "util/lru_cache.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// What the plan decides is taken from it; threads and the device are the machine's.
void TakeFromPlan(const Manifest& manifest, const BlockOptions& o, CommonOptions& common) {
  common.weights = o.weights.empty() ? manifest.weights : o.weights;
  common.precision = manifest.precision;
  common.random_seed = manifest.random_seed;
}

void RequireSame(const Manifest& manifest, const std::string& what, const std::string& planned,
                 const std::string& found) {
  if (planned == found) return;
  throw WeightsError("the plan " + manifest.folder + " was made for other " + what + " (" + planned +
                     "; here: " + found + "): give the same by --weights, or plan anew");
}

bool IsDone(const Manifest& manifest, int block) {
  if (block < 0 || block >= static_cast<int>(manifest.blocks.size())) return false;  // reading will say so
  switch (StateOfShard(manifest, block, true)) {
    case ShardState::kWhole:
      return true;
    case ShardState::kDamaged:
      LogWarning(manifest.ShardPath(block) + " is truncated or damaged: made anew");
      return false;
    case ShardState::kOfAnotherPlan:
      LogWarning(manifest.ShardPath(block) + " is of another plan: made anew");
      return false;
    case ShardState::kMissing:
      return false;
  }
  return false;
}

// The plan; whether the block is done already goes to stats.
Manifest OpenPlan(const BlockOptions& o, PlanKind kind, CommonOptions& common, BlockStats& stats) {
  Manifest manifest = ReadManifest(o.manifest_path, &kind);
  stats.was_there = IsDone(manifest, o.block);
  TakeFromPlan(manifest, o, common);
  return manifest;
}

// The images of one block, from the feature files that the plan names.
class ShardImageStore {
 public:
  ShardImageStore(const Manifest& manifest, const MatchBlock& block, size_t capacity)
      : manifest_(manifest), block_(block), images_(capacity) {
    for (const Camera& camera : block.cameras) cameras_.push_back(std::make_shared<const Camera>(camera));
  }
  std::shared_ptr<const LoadedImage> Get(uint32_t i) {
    return images_.Get(i, [&] { return Load(block_.images.at(i)); });
  }

 private:
  LoadedImage Load(const BlockImage& image) {
    RecordReader& file = File(image.file);
    const FeatureRecord record = DecodeFeatures(file.At(image.place), file.path());
    if (record.name != image.name || record.keypoints.rows != image.num_keypoints) {
      throw InputError(file.path() + ": expected " + std::to_string(image.num_keypoints) + " keypoints of " +
                       image.name + ", found " + std::to_string(record.keypoints.rows) + " of " +
                       record.name + "; plan again");
    }
    return MakeLoadedImage(image.image_id, cameras_.at(image.camera), record.keypoints, record.descriptors,
                           record.scores, QuarterTurnsOf(record.suffix));
  }
  // One file is open at a time: neighbouring images lie in one.
  RecordReader& File(uint32_t index) {
    const fs::path path = fs::path(manifest_.folder) / manifest_.feature_files.at(index);
    if (!file_ || file_->path() != path.string()) file_ = std::make_unique<RecordReader>(path.string(), 4096);
    return *file_;
  }

  const Manifest& manifest_;
  const MatchBlock& block_;
  LruCache<uint32_t, LoadedImage> images_;
  std::vector<std::shared_ptr<const Camera>> cameras_;
  std::unique_ptr<RecordReader> file_;
};

// By the two images with the most keypoints.
int WorkersForBlock(const MatchBlock& block, const CommonOptions& common) {
  uint32_t most = 0, next = 0;
  for (const BlockImage& image : block.images) {
    next = std::max(next, std::min(most, image.num_keypoints));
    most = std::max(most, image.num_keypoints);
  }
  return WorkersForItems(common, MatchingMemory(most, next),
                         "a pair of " + std::to_string(most) + " and " + std::to_string(next) + " keypoints");
}

using EncodedPairs = std::vector<std::pair<image_pair_t, std::string>>;

// In the order of their ids, which merge needs.
void WriteShard(const Manifest& manifest, int block, EncodedPairs pairs) {
  std::sort(pairs.begin(), pairs.end());
  RecordWriter shard(manifest.ShardPath(block), manifest.ShardHeader(block));
  for (const auto& [id, bytes] : pairs) shard.Append(bytes);
  shard.Close();
}

}  // namespace

BlockStats ExtractBlock(const BlockOptions& o, CommonOptions common) {
  BlockStats stats;
  const Manifest manifest = OpenPlan(o, PlanKind::kFeatures, common, stats);
  if (stats.was_there) return stats;
  const std::vector<std::string> names = ReadPhotoBlock(manifest, o.block);
  FeaturePipelineOptions options = ExtractionOptionsOf(manifest.options);
  options.image_path = manifest.image_path;
  ExtractorPool extractors = MakeExtractors(options, common);
  RequireSame(manifest, "weights or options", manifest.provenance,
              FeatureProvenance(options, extractors.front().network()));

  RecordWriter shard(manifest.ShardPath(o.block), manifest.ShardHeader(o.block));
  stats.stopped = !ExtractPhotos(common, extractors, names, [&](const FeatureRecord& photo) {
    shard.Append(EncodeFeatures(photo));
    ++stats.num_items;
    stats.num_keypoints += static_cast<int64_t>(photo.keypoints.rows);
    if (photo.error.empty()) return;
    ++stats.num_unusable;
    LogWarning(photo.name + ": " + photo.error);
  });
  if (!stats.stopped) shard.Close();
  return stats;
}

BlockStats MatchBlockOfPlan(const BlockOptions& o, CommonOptions common) {
  BlockStats stats;
  const Manifest manifest = OpenPlan(o, PlanKind::kMatches, common, stats);
  if (stats.was_there) return stats;
  const MatchBlock block = ReadMatchBlock(manifest, o.block);
  const MatchingPipelineOptions options = MatchingOptionsOf(manifest.options);
  UsedWeights weights;
  const auto num_cached = static_cast<size_t>(std::max(2, o.max_cached_images));
  const MatcherParts parts(options, common, weights);
  RequireSame(manifest, "weights or options", manifest.provenance,
              MatchingProvenance(options, common, weights));

  ShardImageStore store(manifest, block, num_cached);
  EncodedPairs done;
  MatcherPool matchers = parts.Pool(WorkersForBlock(block, common), num_cached);
  VerificationThreads verification(matchers, parts.OnCpu(), common);
  PairVerifier verifier(options, verification.threads());
  PairBatch batch(matchers);
  ProgressBar bar("matching", static_cast<int64_t>(block.pairs.size()), common.progress);
  for (const auto& [i, j] : block.pairs) {
    if (StopRequested()) {
      stats.stopped = true;
      return stats;
    }
    const auto image0 = store.Get(i), image1 = store.Get(j);
    batch.Add({i, image0->features}, {j, image1->features}, [&, image0, image1](const PairRows& rows) {
      PairRecord record;
      record.image_id1 = image0->geometry.image_id;
      record.image_id2 = image1->geometry.image_id;
      record.matches = rows.matches;
      record.confidences = rows.confidences;
      verifier.Add(image0->geometry, image1->geometry, rows.matches,
                   [&stats, &done, record](const TwoViewGeometry& geometry) mutable {
                     record.geometry = geometry;
                     stats.num_matches += static_cast<int64_t>(record.matches.size());
                     stats.num_verified += !geometry.inlier_matches.empty();
                     done.emplace_back(PairId(record.image_id1, record.image_id2), EncodePair(record));
                   });
    });
    bar.Update(++stats.num_items);
  }
  batch.Finish();
  verifier.Finish();
  parts.SaySkippedPairs();
  WriteShard(manifest, o.block, std::move(done));
  return stats;
}

}  // namespace colmatch
