// Matching of turned photos; see rotated_pipeline.h.
#include "plugin/matching/rotated_pipeline.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "matcher/devices.h"
#include "matcher/turn.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/extraction/precision_choice.h"
#include "plugin/matching/image_store.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/matching/pair_writer.h"
#include "plugin/pairs/pair_order.h"
#include "plugin/photos/image_reader.h"
#include "plugin/photos/image_resize.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/weights_location.h"
#include "plugin/workers/in_order.h"
#include "plugin/workers/shared_cache.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

constexpr size_t kTurnedImagesInMemory = 1000;

// Of a pair that has a geometry.
size_t NumInliers(ColmapDatabase& database, image_t id1, image_t id2) {
  return database.ReadTwoViewGeometry(id1, id2).inlier_matches.size();
}

using TurnedImages = SharedCache<image_t, TurnedDescriptors>;

// Descriptors of an image's keypoints in the turned photos, half precision. Throws InputError for a photo
// that is not that of the features.
TurnedDescriptors DescribeTurnedPhoto(FeatureExtractor& extractor, const FeaturePipelineOptions& options,
                                      const Image& image, const LoadedImage& loaded) {
  const Features& features = loaded.features;
  const std::filesystem::path path = PhotoPath(options.image_path, image.name);
  const cv::Mat photo = TurnImage(ReadGrayImage(path).gray, loaded.quarter_turns);
  if (photo.cols != features.width || photo.rows != features.height) {
    throw InputError(path.string() + " has " + std::to_string(photo.cols) + " x " +
                     std::to_string(photo.rows) + " pixels; its features are of a photo of " +
                     std::to_string(features.width) + " x " + std::to_string(features.height));
  }
  const ResizedImage resized = ResizeForNetwork(photo, options.max_image_size);
  Features seen = features;
  seen.keypoints = MapKeypoints(features.keypoints, resized, MapToResized);
  if (features.scales.defined()) seen.scales = features.scales / resized.scale();
  TurnedDescriptors turned =
      extractor.DescribeTurned(resized.pixels.ptr<float>(), resized.pixels.cols, resized.pixels.rows, seen);
  for (torch::Tensor& descriptors : turned) descriptors = descriptors.to(torch::kHalf);
  return turned;
}

// What a pair's second photo is matched as.
struct RotatedMatches {
  int quarter_turns = 0;  // 0: as it is, and there are no rows
  PairRows rows;
  std::string unreadable;  // why the second photo cannot be used; empty if it can
};

// A worker's networks.
struct RotatedMatcher {
  FeatureExtractor extractor;
  std::unique_ptr<FeatureMatcher> matcher;

  RotatedMatches Match(const LoadedImage& image0, const LoadedImage& image1, const Image& row1,
                       const FeaturePipelineOptions& options, TurnedImages& turned) {
    RotatedMatches result;
    try {
      const auto descriptors =
          turned.Get(row1.image_id, [&] { return DescribeTurnedPhoto(extractor, options, row1, image1); });
      result.quarter_turns = ChooseTurn(image0.features, image1.features, *descriptors, {});
      if (result.quarter_turns == 0) return result;
      const Features seen = TurnFeatures(image1.features, *descriptors, result.quarter_turns);
      result.rows = RowsOf(matcher->Match(image0.features, seen));
    } catch (const InputError& error) {
      result.unreadable = error.what();
    }
    return result;
  }
};

// On the first device; several are for the stages before this one.
EnginePool<RotatedMatcher> MakeRotatedMatchers(const FeatureExtractor& extractor, const MatcherParts& parts,
                                               torch::Device device, int workers) {
  if (!device.is_cpu()) {
    return {{device}, [&](torch::Device) {
              return std::make_unique<RotatedMatcher>(RotatedMatcher{extractor, parts.On(device)});
            }};
  }
  const std::shared_ptr<FeatureMatcher> first = parts.On(device);
  return {WorkersOn({device}, workers), [&](torch::Device) {
            return std::make_unique<RotatedMatcher>(RotatedMatcher{extractor, first->ShareOnCpu()});
          }};
}

// The options must be those of the features; masks and turns of each photo are its own affair.
void RequireFeatures(ColmapDatabase& database, const Image& image, const std::string& made_by) {
  const auto provenance = database.ReadImageProvenance(image.image_id);
  if (FeaturesAreThere(database, image.name, made_by + PhotoSuffixOf(provenance ? provenance->text : "")))
    return;
  throw UsageError(database.path() + ": nothing is noted of what made the features of " + image.name +
                   "; colmatch feature_extractor recognises those that it makes again, run it first");
}

// The pairs that remain, block by block: pairs that were not verified, or hardly. Sixteen matches of a
// photo upside down can agree by chance.
std::vector<ImagePair> DoubtfulPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                     const MatchingPipelineOptions& mo, const std::string& provenance,
                                     MatchingPipelineStats& stats) {
  const auto hardly = static_cast<size_t>(2 * mo.geometry.min_num_inliers);
  std::map<image_t, int> index;
  for (size_t i = 0; i < images.size(); ++i) index[images[i].image_id] = static_cast<int>(i);
  std::vector<ImagePair> left;
  // Those that were matched: where pairs were chosen, few of all that there are.
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    const auto a = index.find(id1), b = index.find(id2);
    if (a == index.end() || b == index.end()) continue;
    const auto [i, j] = std::minmax(a->second, b->second);
    const PairState state = StateOf(database, images[i], images[j], provenance);
    if (state.rotated) {
      ++stats.already_there;
    } else if (state.ours && state.IsDone() && NumInliers(database, id1, id2) < hardly) {
      left.emplace_back(i, j);
    }
  }
  return OrderPairs(left, static_cast<int>(images.size()), mo.block_size);
}

// Photos are processed again as for the stored features. Not said: it is no choice.
Precision PrecisionOfFeatures(ColmapDatabase& database, const CommonOptions& given,
                              const CommonOptions& chosen, torch::Device device) {
  const auto made_by = given.precision == chosen.precision ? std::nullopt : database.AnyImageProvenance();
  return PrecisionFromName(made_by ? PrecisionOfProvenance(*made_by) : chosen.precision, device);
}

}  // namespace

int CountGroups(const std::string& database_path, const CommonOptions& common) {
  ColmapDatabase database(database_path, DatabaseMode::kReadOnly, ConnectionOptionsOf(common));
  MatchingPipelineStats unused;
  std::map<image_t, image_t> parent;
  for (const Image& image : ImagesWithFeatures(database, unused)) parent[image.image_id] = image.image_id;
  const auto root = [&](image_t id) {
    while (parent.at(id) != id) id = parent[id] = parent.at(parent.at(id));
    return id;
  };
  auto groups = static_cast<int>(parent.size());
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    if (parent.count(id1) == 0 || parent.count(id2) == 0 || root(id1) == root(id2)) continue;
    if (!database.HasTwoViewGeometry(id1, id2) || NumInliers(database, id1, id2) == 0) continue;
    parent[root(id1)] = root(id2);
    --groups;
  }
  return groups;
}

MatchingPipelineStats MatchRotated(const FeaturePipelineOptions& fo, const MatchingPipelineOptions& mo,
                                   const CommonOptions& given) {
  mo.geometry.Validate();
  MatchingPipelineStats stats;
  ColmapDatabase database(mo.database_path, DatabaseMode::kOpenExisting, ConnectionOptionsOf(given));
  const CommonOptions common = WithPrecision(given, database, RowsKind::kPairs);
  const torch::Device device = DevicesFromName(common.device).front();
  const FeatureExtractor extractor(LoadSuperPoint(ResolveWeights(common.weights).superpoint), fo.keypoints,
                                   device, PrecisionOfFeatures(database, given, common, device));
  const MatcherParts parts(mo, common, stats.weights);
  database.CheckWritable();
  database.CompleteFrames();
  const auto images = ImagesWithFeatures(database, stats);
  const std::string made_by = FeatureProvenance(fo, extractor);
  for (const Image& image : images) RequireFeatures(database, image, made_by);

  const std::string provenance = MatchingProvenance(mo, common, stats.weights);
  const auto pairs = DoubtfulPairs(database, images, mo, provenance, stats);
  ImageStore store(database, mo.block_size);
  TurnedImages turned(kTurnedImagesInMemory);
  auto matchers = MakeRotatedMatchers(extractor, parts, device, WorkersForPairs(database, images, common));
  DeviceThreads& threads = matchers.threads();
  PairWriter writer(database, mo, threads, stats);
  InOrder<RotatedMatches> results(4 * matchers.size(), "wait for matches");
  ProgressBar bar("turned photos", static_cast<int64_t>(pairs.size()), common.progress);
  int64_t done = 0;
  std::set<int> unreadable;
  for (const auto& [first, second] : pairs) {
    const int i = first, j = second;
    if (StopRequested()) {
      stats.stopped = true;
      break;
    }
    bar.Update(++done);
    if (unreadable.count(j) > 0) continue;
    const auto image0 = store.Get(images[i], true), image1 = store.Get(images[j], true);
    auto matches = matchers.Submit([&, image0, image1, j](RotatedMatcher& matcher) {
      return matcher.Match(*image0, *image1, images[j], fo, turned);
    });
    results.Add(std::move(matches), [&, image0, image1, i, j](RotatedMatches found) {
      if (!found.unreadable.empty()) {
        if (unreadable.insert(j).second) stats.skipped.push_back({images[j].name, found.unreadable});
      } else if (found.quarter_turns == 0) {
        writer.SetProvenance(images[i].image_id, images[j].image_id, RotatedProvenance(provenance, 0));
      } else {
        writer.ReplaceIfBetter(image0->geometry, image1->geometry, std::move(found.rows),
                               RotatedProvenance(provenance, found.quarter_turns),
                               RotatedProvenance(provenance, 0));
      }
    });
  }
  results.Finish();
  writer.Finish();
  parts.SaySkippedPairs();
  return stats;
}

}  // namespace colmatch
