// Merging; see merge_pipeline.h.
#include "plugin/cluster/merge_pipeline.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_set>
#include <utility>

#include "database_io/blob.h"
#include "database_io/colmap_database.h"
#include "plugin/cluster/given_options.h"
#include "plugin/cluster/record_file.h"
#include "plugin/extraction/cluster_records.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/crc32.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kPairsPerTransaction = 1000;
constexpr size_t kShardBuffer = size_t{1} << 16;  // bytes; a thousand shards are open at once

std::string Named(const std::vector<int>& blocks, const char* are) {
  if (blocks.empty()) return "";
  return (blocks.size() == 1 ? "block " : "blocks ") + Ranges(blocks) + are + "; ";
}

std::vector<int> WholeBlocks(const PlanState& state) {
  std::vector<bool> whole(static_cast<size_t>(state.num_blocks), true);
  for (const auto* blocks : {&state.missing, &state.damaged, &state.foreign}) {
    for (const int b : *blocks) whole[b] = false;
  }
  std::vector<int> blocks;
  for (int b = 0; b < static_cast<int>(state.num_blocks); ++b) {
    if (whole[b]) blocks.push_back(b);
  }
  return blocks;
}

// The default of 1024 open files would be short of a thousand shards and the rest.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// All pairs of all shards by rising id.
class MergedPairs {
 public:
  MergedPairs(const Manifest& manifest, const std::vector<int>& blocks) {
    RaiseFileLimit();
    for (const int b : blocks) {
      shards_.push_back(std::make_unique<RecordReader>(manifest.ShardPath(b), kShardBuffer));
      total_ += static_cast<int64_t>(shards_.back()->num_records());
      Advance(shards_.size() - 1);
    }
  }
  int64_t total() const { return total_; }
  bool Next(PairRecord& pair) {
    if (queue_.empty()) return false;
    const size_t shard = queue_.top().second;
    queue_.pop();
    pair = std::move(next_[shard]);
    Advance(shard);
    return true;
  }

 private:
  void Advance(size_t shard) {
    next_.resize(shards_.size());
    if (!shards_[shard]->Next(bytes_)) return;
    next_[shard] = DecodePair(bytes_, shards_[shard]->path());
    queue_.emplace(PairId(next_[shard].image_id1, next_[shard].image_id2), shard);
  }

  using Entry = std::pair<image_pair_t, size_t>;  // pair and shard
  std::vector<std::unique_ptr<RecordReader>> shards_;
  std::vector<PairRecord> next_;  // of each shard
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
  std::string bytes_;
  int64_t total_ = 0;
};

// The keypoints that the matches speak of must be the database's.
void RequireFeatures(ColmapDatabase& database, const Manifest& manifest, const std::vector<int>& blocks) {
  std::unordered_set<image_t> seen;
  for (const int b : blocks) {
    for (const BlockImage& image : ReadMatchBlock(manifest, b).images) {
      if (!seen.insert(image.image_id).second) continue;
      const auto found = database.FindImage(image.name);
      const auto provenance =
          found ? database.ReadImageProvenance(found->image_id) : std::optional<Provenance>();
      if (provenance && found->image_id == image.image_id &&
          database.NumKeypoints(image.image_id) == image.num_keypoints &&
          Crc32(provenance->text + database.FeatureCode(image.image_id)) == image.provenance_crc)
        continue;
      throw UsageError(
          database.path() + " is not the database of the plan " + manifest.folder + ": " +
          (found ? "its features of " + image.name + " are others" : "it has no image " + image.name) +
          "; give the right one, or plan again");
    }
  }
}

class PairMerger {
 public:
  PairMerger(ColmapDatabase& database, const std::string& provenance, MergeStats& stats)
      : database_(database), provenance_(provenance), stats_(stats) {}

  void Add(const PairRecord& pair) {
    const image_t id1 = pair.image_id1, id2 = pair.image_id2;
    const PairState state = StateOf(database_, Named(id1), Named(id2), provenance_);
    if (state.matched && !state.ours) {
      ++stats_.of_others;
      return;
    }
    if (state.IsDone()) {
      ++stats_.already_there;
      return;
    }
    if (!transaction_) transaction_.emplace(database_.BeginTransaction());
    if (state.outdated) database_.DeletePair(id1, id2);
    if (!state.matched) {
      database_.WriteMatches(id1, id2, pair.matches);
      database_.WritePairProvenance(id1, id2, provenance_, pair.confidences);
    }
    if (!database_.HasTwoViewGeometry(id1, id2)) database_.WriteTwoViewGeometry(id1, id2, pair.geometry);
    ++stats_.merged;
    if (++in_transaction_ >= kPairsPerTransaction) Commit();
  }
  void Commit() {
    if (!transaction_) return;
    transaction_->Commit();
    transaction_.reset();
    in_transaction_ = 0;
  }

 private:
  static Image Named(image_t id) {
    Image image;
    image.image_id = id;
    image.name = "image " + std::to_string(id);
    return image;
  }

  ColmapDatabase& database_;
  const std::string& provenance_;
  MergeStats& stats_;
  std::optional<Transaction> transaction_;
  int in_transaction_ = 0;
};

void MergeMatches(const Manifest& manifest, ColmapDatabase& database, const CommonOptions& common,
                  MergeStats& stats) {
  const std::vector<int> blocks = WholeBlocks(stats.state);
  RequireFeatures(database, manifest, blocks);
  MergedPairs pairs(manifest, blocks);
  PairMerger merger(database, manifest.provenance, stats);
  ProgressBar bar("merging", pairs.total(), common.progress);
  int64_t done = 0;
  for (PairRecord pair; pairs.Next(pair); bar.Update(++done)) {
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    merger.Add(pair);
  }
  merger.Commit();
}

void MergeFeatures(const Manifest& manifest, ColmapDatabase& database, const MergeOptions& o,
                   const CommonOptions& common, MergeStats& stats) {
  FeaturePipelineOptions options = ExtractionOptionsOf(manifest.options);
  options.image_path = manifest.image_path;
  options.database_path = database.path();
  CameraAssigner cameras = MakeCameraAssigner(database, options);
  const std::vector<int> blocks = WholeBlocks(stats.state);
  ProgressBar bar("merging blocks", static_cast<int64_t>(blocks.size()), common.progress);
  int64_t done = 0;
  for (const int b : blocks) {
    RecordReader shard(manifest.ShardPath(b));
    for (std::string bytes; shard.Next(bytes);) {
      if (StopRequested()) {
        stats.stopped = true;
        return;
      }
      FeatureRecord photo = DecodeFeatures(bytes, shard.path());
      if (!o.descriptors) photo.descriptors = {};
      try {
        if (!photo.error.empty()) throw InputError(photo.error);
        const bool is_new = WriteFeatures(database, cameras, photo, manifest.provenance);
        ++(is_new ? stats.merged : stats.already_there);
      } catch (const InputError& error) {
        stats.skipped.push_back({photo.name, error.what()});
      }
    }
    bar.Update(++done);
  }
}

}  // namespace

std::string Ranges(const std::vector<int>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (end > i) text += "-" + std::to_string(numbers[end]);
    i = end + 1;
  }
  return text;
}

std::string PlanState::Describe() const {
  std::string text = Named(missing, missing.size() == 1 ? " is missing" : " are missing") +
                     Named(damaged, damaged.size() == 1 ? " is damaged" : " are damaged") +
                     Named(foreign, foreign.size() == 1 ? " is of another plan" : " are of another plan");
  if (text.empty()) return "all " + std::to_string(num_blocks) + " blocks are there";
  return text + std::to_string(num_whole) + " of " + std::to_string(num_blocks) + " are there";
}

PlanState StateOfPlan(const Manifest& manifest, bool thorough) {
  PlanState state;
  state.num_blocks = static_cast<int64_t>(manifest.blocks.size());
  for (int b = 0; b < static_cast<int>(manifest.blocks.size()); ++b) {
    switch (StateOfShard(manifest, b, thorough)) {
      case ShardState::kWhole:
        ++state.num_whole;
        break;
      case ShardState::kMissing:
        state.missing.push_back(b);
        break;
      case ShardState::kDamaged:
        state.damaged.push_back(b);
        break;
      case ShardState::kOfAnotherPlan:
        state.foreign.push_back(b);
        break;
    }
  }
  return state;
}

MergeStats Merge(const MergeOptions& o, const CommonOptions& common) {
  const Manifest manifest = ReadManifest(o.manifest_path);
  MergeStats stats;
  stats.state = StateOfPlan(manifest, true);
  if (!stats.state.IsWhole() && !o.partial) {
    throw EnvironmentError("nothing was merged: of the plan " + manifest.folder + ", " +
                           stats.state.Describe() +
                           ". Run these blocks (again), then merge; --partial 1 merges what is there");
  }
  const bool features = manifest.kind == PlanKind::kFeatures;
  ColmapDatabase database(o.database_path,
                          features ? DatabaseMode::kCreateOrOpen : DatabaseMode::kOpenExisting,
                          ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  if (features) {
    MergeFeatures(manifest, database, o, common, stats);
  } else {
    MergeMatches(manifest, database, common, stats);
  }
  return stats;
}

}  // namespace colmatch
