// Planning for many machines; see plan_pipeline.h.
#include "plugin/cluster/plan_pipeline.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unordered_map>

#include "database_io/colmap_database.h"
#include "matcher/devices.h"
#include "plugin/extraction/cluster_records.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/extraction/precision_choice.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/pairs/pair_blocks.h"
#include "plugin/photos/image_reader.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/atomic_file.h"
#include "util/byte_stream.h"
#include "util/crc32.h"
#include "util/error.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr int kImagesPerFeatureFile = 1000;
constexpr size_t kMaxPairs = size_t{1} << 31;

int NumBlocks(const PlanOptions& plan, int64_t num_items, int64_t items_per_block) {
  if (plan.num_blocks < 0 || plan.num_blocks > kMaxBlocks) {
    throw UsageError("--num_blocks must be in [0, " + std::to_string(kMaxBlocks) + "], found " +
                     std::to_string(plan.num_blocks));
  }
  if (plan.num_blocks > 0) return plan.num_blocks;
  const int64_t blocks = (num_items + items_per_block - 1) / items_per_block;
  return static_cast<int>(std::clamp<int64_t>(blocks, 1, kMaxBlocks));
}

Manifest StartManifest(PlanKind kind, const PlanOptions& plan, const CommonOptions& common) {
  Manifest manifest;
  manifest.kind = kind;
  manifest.version = COLMATCH_VERSION;
  manifest.options = plan.given;
  manifest.weights = fs::exists(common.weights) ? fs::absolute(common.weights).string() : common.weights;
  manifest.precision = common.precision;
  manifest.random_seed = common.random_seed;
  return manifest;
}

// True if the folder has a plan of the same work, in however many blocks; `manifest` is that one then.
// `items` tells photos or pairs from others.
bool IsThere(Manifest& manifest, const std::string& folder, const std::string& items) {
  ByteWriter request;
  for (const std::string& option : manifest.options) request.PutText(option);
  for (const std::string& text : {manifest.provenance, manifest.precision, manifest.image_path, items})
    request.PutText(text);
  request.Put(manifest.random_seed);
  manifest.request = Sha256Hex(request.bytes());
  if (!fs::exists(ManifestPath(folder))) return false;
  const Manifest found = ReadManifest(folder);
  if (found.request != manifest.request)
    throw UsageError(folder + " holds a plan of other photos, pairs or options; name another folder");
  manifest = found;
  return true;
}

// --precision auto is that of the plan which is there: planned again on another machine it is the same plan.
CommonOptions WithPlannedPrecision(CommonOptions common, const std::string& folder) {
  if (common.precision == "auto" && fs::exists(ManifestPath(folder)))
    common.precision = ReadManifest(folder).precision;
  return common;
}

std::vector<ImagePair> CollectPairs(PairSource& source) {
  std::vector<ImagePair> pairs;
  for (auto block = source.Next(); !block.empty(); block = source.Next()) {
    pairs.insert(pairs.end(), block.begin(), block.end());
    if (pairs.size() > kMaxPairs) {
      throw UsageError(
          "more than " + std::to_string(kMaxPairs) +
          " pairs are to be matched, which is years of work: take --pairs other than exhaustive");
    }
  }
  return pairs;
}

std::string_view BytesOf(const std::vector<ImagePair>& pairs) {
  return {reinterpret_cast<const char*>(pairs.data()), pairs.size() * sizeof(ImagePair)};
}

// Leaves out what the database has; returns how many.
int64_t RemoveDone(ColmapDatabase& database, const std::vector<Image>& images, const std::string& provenance,
                   std::vector<ImagePair>& pairs) {
  if (database.Counts().matched_pairs == 0) return 0;
  const auto done = std::remove_if(pairs.begin(), pairs.end(), [&](const ImagePair& pair) {
    return StateOf(database, images[pair.first], images[pair.second], provenance).IsDone();
  });
  const int64_t count = pairs.end() - done;
  pairs.erase(done, pairs.end());
  return count;
}

// What the blocks say of the images: all but the place of the features.
class PlannedImages {
 public:
  PlannedImages(ColmapDatabase& database, const std::vector<Image>& images) : images_(images) {
    for (const Camera& camera : database.Cameras()) cameras_[camera.camera_id] = camera;
    rows_.resize(images.size());
    made_by_.resize(images.size());
  }
  void Describe(ColmapDatabase& database, int i) {
    const Image& image = images_[i];
    const std::string made_by = ProvenanceOfFeatures(database, image).text;
    rows_[i].image_id = image.image_id;
    rows_[i].num_keypoints = static_cast<uint32_t>(database.NumKeypoints(image.image_id));
    rows_[i].provenance_crc = Crc32(made_by + database.FeatureCode(image.image_id));
    made_by_[i] = Crc32(made_by.substr(0, made_by.size() - PhotoSuffixOf(made_by).size()));
  }
  // Checksum of the provenance that all photos of one plan share.
  uint32_t made_by(int i) const { return made_by_[i]; }
  BlockImage& row(int i) { return rows_[i]; }
  const Image& image(int i) const { return images_[i]; }
  const Camera& camera(int i) const { return cameras_.at(images_[i].camera_id); }

  // Every image with what it is known again by.
  std::string Fingerprint() const {
    ByteWriter out;
    for (size_t i = 0; i < rows_.size(); ++i) {
      out.Put(rows_[i].image_id);
      out.PutText(images_[i].name);
      out.Put(rows_[i].num_keypoints);
      out.Put(rows_[i].provenance_crc);
    }
    return Sha256Hex(out.bytes());
  }

 private:
  const std::vector<Image>& images_;
  std::unordered_map<camera_t, Camera> cameras_;
  std::vector<BlockImage> rows_;
  std::vector<uint32_t> made_by_;
};

// Images that have pairs, in the order in which the blocks first need them.
std::vector<int> ImagesByNeed(const std::vector<ImagePair>& pairs, int num_images) {
  std::vector<int> order;
  std::vector<bool> seen(num_images, false);
  for (const auto& [i, j] : pairs) {
    for (const int image : {i, j}) {
      if (!seen[image]) order.push_back(image);
      seen[image] = true;
    }
  }
  return order;
}

FeatureRecord RecordFromDatabase(ColmapDatabase& database, const Image& image, const Camera& camera) {
  FeatureRecord record;
  record.name = image.name;
  record.width = camera.width;
  record.height = camera.height;
  record.keypoints = database.ReadKeypoints(image.image_id);
  record.descriptors = database.ReadDescriptors(image.image_id);
  const Provenance provenance = ProvenanceOfFeatures(database, image);
  record.scores = provenance.scores;
  record.suffix = PhotoSuffixOf(provenance.text);
  if (record.descriptors.rows != record.keypoints.rows) {
    throw UsageError(database.path() + " has no descriptors of " + image.name +
                     ": give the plan whose shards have them by --feature_plan_path");
  }
  return record;
}

// Copies the features out of the database, those of a block beside each other. False: stopped by a signal.
bool ExportFeatures(ColmapDatabase& database, const std::vector<int>& order, PlannedImages& images,
                    Manifest& manifest, const std::string& folder, const std::string& progress) {
  ProgressBar bar("features", static_cast<int64_t>(order.size()), progress);
  for (size_t start = 0; start < order.size(); start += kImagesPerFeatureFile) {
    char name[32];
    std::snprintf(name, sizeof(name), "features_%04zu.cmr", start / kImagesPerFeatureFile);
    RecordWriter file((fs::path(folder) / name).string(), "features for " + manifest.request);
    for (size_t k = start; k < std::min(order.size(), start + kImagesPerFeatureFile); ++k) {
      if (StopRequested()) return false;
      BlockImage& row = images.row(order[k]);
      row.file = static_cast<uint32_t>(manifest.feature_files.size());
      row.place = file.Append(
          EncodeFeatures(RecordFromDatabase(database, images.image(order[k]), images.camera(order[k]))));
      bar.Update(static_cast<int64_t>(k) + 1);
    }
    file.Close();
    manifest.feature_files.emplace_back(name);
  }
  return true;
}

// Finds the features in the shards of the plan that made them.
void FindFeatures(const std::string& feature_plan, const std::vector<int>& order, PlannedImages& images,
                  Manifest& manifest) {
  constexpr size_t kNameBytes = 4096 + 4;
  const PlanKind kind = PlanKind::kFeatures;
  const Manifest features = ReadManifest(feature_plan, &kind);
  std::unordered_map<std::string, int> wanted;
  for (const int i : order) {
    wanted[images.image(i).name] = i;
    if (images.made_by(i) != Crc32(features.provenance)) {
      throw UsageError("the database has features of " + images.image(i).name +
                       " that were not made by the plan " + feature_plan + " (" + features.provenance +
                       "); leave out --feature_plan_path, or merge that plan into another database");
    }
  }
  for (size_t b = 0; b < features.blocks.size(); ++b) {
    const std::string path = fs::absolute(features.ShardPath(static_cast<int>(b))).string();
    RecordReader shard(path, kNameBytes);
    if (shard.header() != features.ShardHeader(static_cast<int>(b)))
      throw InputError(path + " is of another plan; run extract_block and merge again");
    std::string start;
    for (RecordPlace place; shard.Peek(kNameBytes, start, place);) {
      const auto found = wanted.find(NameOfFeatures(start, path));
      if (found == wanted.end()) continue;
      images.row(found->second).file = static_cast<uint32_t>(manifest.feature_files.size());
      images.row(found->second).place = place;
      wanted.erase(found);
    }
    manifest.feature_files.push_back(path);
  }
  if (!wanted.empty()) {
    throw UsageError("the shards of " + feature_plan + " lack " + std::to_string(wanted.size()) +
                     " images of the database, among them " + wanted.begin()->first);
  }
}

// One block's pairs with everything the task needs to know of their images.
MatchBlock MakeBlock(const ImagePair* begin, const ImagePair* end, PlannedImages& images) {
  std::vector<int> used;
  for (const ImagePair* pair = begin; pair != end; ++pair) {
    used.push_back(pair->first);
    used.push_back(pair->second);
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  const auto local = [&](int i) {
    return static_cast<uint32_t>(std::lower_bound(used.begin(), used.end(), i) - used.begin());
  };
  MatchBlock block;
  std::unordered_map<camera_t, uint32_t> cameras;
  for (const int i : used) {
    const Camera& camera = images.camera(i);
    const auto [at, is_new] = cameras.emplace(camera.camera_id, static_cast<uint32_t>(block.cameras.size()));
    if (is_new) block.cameras.push_back(camera);
    block.images.push_back(images.row(i));
    block.images.back().name = images.image(i).name;
    block.images.back().camera = at->second;
  }
  for (const ImagePair* pair = begin; pair != end; ++pair)
    block.pairs.emplace_back(local(pair->first), local(pair->second));
  return block;
}

PlannedBlock AppendBlock(RecordWriter& file, const std::string& bytes, size_t num_items, size_t num_images) {
  PlannedBlock planned;
  planned.place = file.Append(bytes);
  planned.sha256 = Sha256Hex(bytes);
  planned.num_items = static_cast<int64_t>(num_items);
  planned.num_images = static_cast<int64_t>(num_images);
  return planned;
}

}  // namespace

PlanStats PlanFeatures(const PlanOptions& plan, const FeaturePipelineOptions& o, const CommonOptions& given) {
  o.camera.Validate();
  const CommonOptions common = WithPrecision(WithPlannedPrecision(given, plan.output_path));
  const auto names = ListImages(
      o.image_path, o.image_list_path.empty() ? std::nullopt : std::optional<fs::path>(o.image_list_path));
  const auto num_items = static_cast<int64_t>(names.size());
  const int num_blocks =
      static_cast<int>(std::min<int64_t>(NumBlocks(plan, num_items, kPhotosPerBlock), num_items));
  Manifest manifest = StartManifest(PlanKind::kFeatures, plan, common);
  // Options are refused here, not by a thousand tasks.
  const PhotoExtractor extractor(o, common, DevicesFromName(common.device).front());
  manifest.weights_sha256 = extractor.weights().sha256;
  manifest.provenance = FeatureProvenance(o, extractor.network());
  manifest.image_path = fs::absolute(o.image_path).lexically_normal().string();

  PlanStats stats;
  stats.num_items = stats.num_images = num_items;
  stats.num_blocks = num_blocks;
  stats.loads_per_image = 1;
  stats.was_there = IsThere(manifest, plan.output_path, Sha256Hex(EncodePhotoBlock(names)));
  if (stats.was_there) {
    stats.num_blocks = static_cast<int64_t>(manifest.blocks.size());
    return stats;
  }
  MakeFolder(plan.output_path);
  RecordWriter file(BlocksPath(plan.output_path), "blocks for " + manifest.request);
  for (int b = 0; b < num_blocks; ++b) {
    const auto begin = names.begin() + num_items * b / num_blocks;
    const auto end = names.begin() + num_items * (b + 1) / num_blocks;
    const std::vector<std::string> block(begin, end);
    manifest.blocks.push_back(AppendBlock(file, EncodePhotoBlock(block), block.size(), block.size()));
  }
  file.Close();
  WriteManifest(manifest, plan.output_path);
  return stats;
}

PlanStats PlanMatches(const PlanOptions& plan, const MatchingPipelineOptions& o, const CommonOptions& given,
                      const PairSourceMaker& make_source) {
  o.geometry.Validate();
  ColmapDatabase database(o.database_path, DatabaseMode::kReadOnly, ConnectionOptionsOf(given));
  const CommonOptions common =
      WithPrecision(WithPlannedPrecision(given, plan.output_path), database, RowsKind::kPairs);
  MatchingPipelineStats setup;
  // Refused here, not by a thousand tasks.
  MatcherParts(o, common, setup.weights).On(DevicesFromName(common.device).front());
  Manifest manifest = StartManifest(PlanKind::kMatches, plan, common);
  manifest.weights_sha256 = setup.weights.sha256;
  manifest.provenance = MatchingProvenance(o, common, setup.weights);

  const std::vector<Image> images = ImagesWithFeatures(database, setup);
  const auto num_images = static_cast<int>(images.size());
  TellOfUnknownFeatures(database, images);
  std::vector<ImagePair> pairs = CollectPairs(*make_source(database, images));
  PlanStats stats;
  stats.skipped = setup.skipped;
  stats.already_there = RemoveDone(database, images, manifest.provenance, pairs);
  stats.num_items = static_cast<int64_t>(pairs.size());
  const int num_blocks = NumBlocks(plan, stats.num_items, kPairsPerBlock);
  const std::string pairs_hash = Sha256Hex(BytesOf(pairs));  // in the order of their source
  const auto borders = SortIntoBlocks(pairs, num_images, num_blocks);
  stats.num_blocks = static_cast<int64_t>(borders.size()) - 1;

  PlannedImages planned(database, images);
  const std::vector<int> order = ImagesByNeed(pairs, num_images);
  for (const int i : order) planned.Describe(database, i);
  stats.num_images = static_cast<int64_t>(order.size());
  stats.was_there = IsThere(manifest, plan.output_path, planned.Fingerprint() + pairs_hash);
  if (stats.was_there) {
    stats.num_blocks = static_cast<int64_t>(manifest.blocks.size());
    return stats;
  }

  MakeFolder(plan.output_path);
  if (!plan.feature_plan_path.empty()) {
    FindFeatures(plan.feature_plan_path, order, planned, manifest);
  } else if (!ExportFeatures(database, order, planned, manifest, plan.output_path, common.progress)) {
    stats.stopped = true;
    return stats;
  }
  RecordWriter file(BlocksPath(plan.output_path), "blocks for " + manifest.request);
  int64_t loads = 0;
  for (size_t b = 0; b + 1 < borders.size(); ++b) {
    const MatchBlock block = MakeBlock(pairs.data() + borders[b], pairs.data() + borders[b + 1], planned);
    loads += static_cast<int64_t>(block.images.size());
    manifest.blocks.push_back(
        AppendBlock(file, EncodeMatchBlock(block), block.pairs.size(), block.images.size()));
  }
  file.Close();
  WriteManifest(manifest, plan.output_path);
  if (!order.empty()) stats.loads_per_image = static_cast<double>(loads) / static_cast<double>(order.size());
  return stats;
}

}  // namespace colmatch
