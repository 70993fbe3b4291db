// Matching of a collection; see matching_pipeline.h.
#include "plugin/matching_pipeline.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "database_io/colmap_database.h"
#include "network/error.h"
#include "plugin/colmap_convert.h"
#include "plugin/database_options.h"
#include "plugin/pair_writer.h"
#include "plugin/progress.h"
#include "plugin/stop_signal.h"
#include "plugin/weights_location.h"

namespace colmatch {
namespace {

struct LoadedImage {
  Features features;
  VerifiedImage geometry;
};

// Features of the images in use, read once a block. Holds at most two blocks.
class ImageStore {
 public:
  ImageStore(ColmapDatabase& database, size_t capacity) : database_(database), capacity_(capacity) {
    for (const Camera& camera : database.Cameras())
      cameras_[camera.camera_id] = std::make_shared<Camera>(camera);
  }

  std::shared_ptr<const LoadedImage> Get(const Image& image, bool with_descriptors) {
    const auto found = index_.find(image.image_id);
    if (found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    order_.emplace_front(image.image_id, Load(image, with_descriptors));
    index_[image.image_id] = order_.begin();
    if (order_.size() > capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  std::shared_ptr<const LoadedImage> Load(const Image& image, bool with_descriptors) {
    auto loaded = std::make_shared<LoadedImage>();
    const KeypointsBlob keypoints = database_.ReadKeypoints(image.image_id);
    const auto camera = cameras_.at(image.camera_id);
    if (with_descriptors) {
      const auto provenance = database_.ReadImageProvenance(image.image_id);
      if (!provenance) {
        throw UsageError(
            database_.path() + ": the features of " + image.name +
            " were not made by colmatch; run colmatch feature_extractor into a database of its own");
      }
      const Descriptors descriptors = database_.ReadDescriptors(image.image_id);
      loaded->features =
          FeaturesFromColmap(keypoints, descriptors, provenance->scores, camera->width, camera->height);
    }
    loaded->geometry = {image.image_id, camera,
                        std::make_shared<const std::vector<Eigen::Vector2d>>(PointsInColmap(keypoints))};
    return loaded;
  }

  ColmapDatabase& database_;
  size_t capacity_;
  std::map<camera_t, std::shared_ptr<const Camera>> cameras_;
  std::list<std::pair<image_t, std::shared_ptr<const LoadedImage>>> order_;  // most recently used first
  std::map<image_t, decltype(order_)::iterator> index_;
};

std::string ProvenanceOf(const MatchingPipelineOptions& o, const std::string& weights_hash) {
  std::ostringstream text;
  text << "matcher " << o.matcher;
  if (o.matcher == "superglue") {
    text << ' ' << weights_hash << " match_threshold " << o.matching.superglue.match_threshold
         << " sinkhorn_iterations " << o.matching.superglue.sinkhorn_iterations;
  }
  if (o.matcher == "nn_ratio") text << " max_ratio " << o.matching.max_ratio;
  return text.str();
}

int NumWorkers(const CommonOptions& common) {
  return common.num_threads > 0 ? common.num_threads : static_cast<int>(std::thread::hardware_concurrency());
}

// Images that have features, by id; the others are named.
std::vector<Image> ImagesWithFeatures(ColmapDatabase& database, MatchingPipelineStats& stats) {
  std::vector<Image> images;
  for (const Image& image : database.Images()) {
    if (database.HasKeypoints(image.image_id)) {
      images.push_back(image);
    } else {
      stats.skipped.push_back(
          {image.name, "has no keypoints in the database: run colmatch feature_extractor"});
    }
  }
  return images;
}

enum class PairState { kMissing, kMatched, kDone };

PairState StateOf(ColmapDatabase& database, const Image& a, const Image& b, const std::string& provenance) {
  if (!database.HasMatches(a.image_id, b.image_id)) return PairState::kMissing;
  const auto found = database.ReadPairProvenance(a.image_id, b.image_id);
  if (found && found->text != provenance) {
    throw UsageError(database.path() + ": the matches of " + a.name + " and " + b.name +
                     " were made by other weights or options (" + found->text + "; now: " + provenance +
                     "); use the same options or another database");
  }
  return database.HasTwoViewGeometry(a.image_id, b.image_id) ? PairState::kDone : PairState::kMatched;
}

FeatureMatcher MakeMatcher(const MatchingPipelineOptions& o, const CommonOptions& common, UsedWeights& used) {
  MatcherOptions matching = o.matching;
  matching.type = MatcherTypeFromName(o.matcher);
  LoadedSuperGlue weights;
  if (matching.type == MatcherType::kSuperGlue) {
    const std::string path = ResolveWeights(common.weights).superglue;
    if (path.empty())
      throw UsageError("--weights " + common.weights + " names no SuperGlue: add superglue=PATH");
    weights = LoadSuperGlue(path);
    used = {weights.metadata, weights.sha256};
  }
  return FeatureMatcher(std::move(weights), matching, DeviceFromName(common.device));
}

void MatchOnePair(FeatureMatcher& matcher, PairWriter& writer, ImageStore& store, const Image& a,
                  const Image& b) {
  const auto image0 = store.Get(a, true), image1 = store.Get(b, true);
  const auto list = ListMatches(matcher.Match(image0->features, image1->features));
  std::vector<float> confidences(list.size());
  std::transform(list.begin(), list.end(), confidences.begin(),
                 [](const MatchedPair& p) { return p.confidence; });
  writer.Add(image0->geometry, image1->geometry, MatchesForColmap(list), std::move(confidences), true);
}

}  // namespace

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
  const std::string provenance = ProvenanceOf(o, stats.weights.sha256);

  const auto images = ImagesWithFeatures(database, stats);
  const auto pairs = ExhaustivePairs(static_cast<int>(images.size()), o.block_size);
  ImageStore store(database, 2 * static_cast<size_t>(o.block_size) + 2);
  PairWriter writer(database, o, NumWorkers(common), provenance, stats);
  ProgressBar bar("matching", static_cast<int64_t>(pairs.size()), common.progress);
  int64_t done = 0;
  for (const auto& [i, j] : pairs) {
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    const PairState state = StateOf(database, images[i], images[j], provenance);
    if (state == PairState::kDone) {
      ++stats.already_there;
    } else if (state == PairState::kMatched) {
      writer.Add(store.Get(images[i], true)->geometry, store.Get(images[j], true)->geometry,
                 database.ReadMatches(images[i].image_id, images[j].image_id), {}, false);
    } else {
      MatchOnePair(matcher, writer, store, images[i], images[j]);
    }
    bar.Update(++done);
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
  ImageStore store(database, 2 * static_cast<size_t>(o.block_size) + 2);
  PairWriter writer(database, o, NumWorkers(common), "", stats);
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
    writer.Add(store.Get(images[id1], false)->geometry, store.Get(images[id2], false)->geometry,
               database.ReadMatches(id1, id2), {}, false);
  }
  writer.Finish();
  return stats;
}

}  // namespace colmatch
