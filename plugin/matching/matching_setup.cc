// Shared by the matching commands; see matching_setup.h.
#include "plugin/matching/matching_setup.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>

#include "matcher/devices.h"
#include "matcher/memory_needs.h"
#include "network/architecture.h"
#include "network/kernels/amx.h"
#include "network/kernels/bf16.h"
#include "plugin/extraction/worker_memory.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/memory.h"
#include "plugin/runtime/trace.h"
#include "plugin/runtime/weights_location.h"
#include "plugin/workers/gpu_memory.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr char kRotated[] = " rotated ", kFormerlyRotated[] = " turned ";

// Of keypoints whose scores are lost: in the middle of what the default weights give.
constexpr float kUnknownScore = 0.1F;

// Whether features without a note may be SuperPoint's: float descriptors of length 1, one a keypoint.
bool AreLikeOurs(ColmapDatabase& database, const Image& image) {
  if (!database.HasColmatchDescriptors(image.image_id)) return false;
  const Descriptors descriptors = database.ReadDescriptors(image.image_id);
  if (static_cast<int64_t>(descriptors.rows) != database.NumKeypoints(image.image_id)) return false;
  const auto dim = static_cast<size_t>(descriptors.dim);
  for (size_t row = 0; row < descriptors.rows; ++row) {
    double length = 0;
    for (size_t c = row * dim; c < (row + 1) * dim; ++c)
      length += descriptors.values[c] * descriptors.values[c];
    if (std::abs(length - 1) > 0.02) return false;
  }
  return true;
}

// What was told otherwise than the weights have it; where they decide, their hash says it.
std::string PrefilterProvenance(const PrefilterOptions& told, const Metadata& weights) {
  SuperGlueArchitecture asked;
  ReadPrefilter(weights, "weights", asked);
  const PrefilterOptions used = told.ResolvedFor(asked);
  std::ostringstream text;
  if (used.min_neighbors != asked.min_neighbors) text << used.kMinNeighbors.Note(used.min_neighbors);
  if (used.min_neighbors != 0 && used.min_similarity != asked.neighbor_similarity)
    text << used.kMinSimilarity.Note(used.min_similarity);
  return text.str();
}

}  // namespace

MatcherParts::MatcherParts(const MatchingPipelineOptions& o, const CommonOptions& common, UsedWeights& used)
    : options_(o.matching),
      devices_(DevicesFromName(common.device)),
      on_shortage_(GpuShortageHandler()),
      prefilter_counts_(std::make_shared<PrefilterCounts>()) {
  options_.Validate();
  if (!FindMatcher(options_.matcher).needs_superglue) return;
  options_.precision = PrecisionFromName(common.precision, devices_.front());
  if (options_.precision == Precision::kBf16 && OnCpu() && !HasBf16Instructions())
    LogInfo(
        "precision bf16: this machine's CPU has no bf16 instructions; matching is no faster than in fp32");
  if (StateOfAmx() == AmxState::kWrong && OnCpu())
    LogInfo(std::string(kWrongAmxText) + ": AVX-512 is used instead");
  const std::string path = ResolveWeights(common.weights).superglue;
  if (path.empty())
    throw UsageError("--weights " + common.weights + " names no SuperGlue: add superglue=PATH");
  weights_ = LoadSuperGlue(path);
  used = {weights_.metadata, weights_.sha256};
}

std::unique_ptr<FeatureMatcher> MatcherParts::On(torch::Device device) const {
  return MakeMatcher({weights_, options_, device, on_shortage_, prefilter_counts_});
}

MatcherPool MatcherParts::Pool(int cpu_workers, size_t num_prepared) const {
  if (OnCpu()) {
    const std::shared_ptr<FeatureMatcher> first = On(torch::kCPU);
    const auto prepared = std::make_shared<PreparedImages>(num_prepared);
    return MatcherPool(WorkersOn(devices_, cpu_workers), [&](torch::Device) {
      return std::make_unique<CachingMatcher>(first->ShareOnCpu(), prepared);
    });
  }
  return MatcherPool(WorkersOn(devices_, cpu_workers), [&](torch::Device device) {
    return std::make_unique<CachingMatcher>(On(device), std::make_shared<PreparedImages>(num_prepared));
  });
}

void MatcherParts::SaySkippedPairs() const {
  if (prefilter_counts_->skipped == 0) return;
  LogInfo(std::to_string(prefilter_counts_->skipped) + " of " + std::to_string(prefilter_counts_->tested) +
          " pairs were skipped: too few similar descriptors (--SuperGlue.min_neighbors 0 matches them all)");
}

VerificationThreads::VerificationThreads(MatcherPool& matchers, bool on_cpu, const CommonOptions& common) {
  if (!on_cpu) own_.emplace(NumWorkers(common));
  threads_ = on_cpu ? &matchers.threads() : &*own_;
}

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

int WorkersForPairs(ColmapDatabase& database, const std::vector<Image>& images, const CommonOptions& common) {
  const auto available = AvailableMemory();
  if (!available || !DevicesFromName(common.device).front().is_cpu() || images.size() < 2)
    return NumWorkers(common);
  std::vector<std::pair<int64_t, const Image*>> sizes;
  for (const Image& image : images)
    sizes.emplace_back(static_cast<int64_t>(database.NumKeypoints(image.image_id)), &image);
  std::partial_sort(sizes.begin(), sizes.begin() + 2, sizes.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->image_id < b.second->image_id;
  });
  const auto& [most, image1] = sizes[0];
  const auto& [next, image2] = sizes[1];
  const uint64_t needed = MatchingMemory(most, next);
  if (needed <= *available) {
    return WorkersForItems(
        common, needed, "a pair of " + std::to_string(most) + " and " + std::to_string(next) + " keypoints");
  }
  const auto possible = static_cast<uint64_t>(
      std::sqrt(static_cast<double>(*available) / static_cast<double>(MatchingMemory(0, 0))));
  throw EnvironmentError(
      "matching " + image1->name + " (" + std::to_string(most) + " keypoints) with " + image2->name + " (" +
      std::to_string(next) + ") needs about " + MemoryText(needed) + " of memory, " + MemoryText(*available) +
      " are left: extract at most " + std::to_string(possible / 1000 * 1000) +
      " a photo (--SuperPoint.max_num_features) into another database, or use another machine");
}

void TellOfUnknownFeatures(ColmapDatabase& database, const std::vector<Image>& images) {
  const auto is_unknown = [&](const Image& image) {
    return !database.ReadImageProvenance(image.image_id) && database.HasColmatchDescriptors(image.image_id);
  };
  const auto count = std::count_if(images.begin(), images.end(), is_unknown);
  if (count == 0) return;
  const Image& first = *std::find_if(images.begin(), images.end(), is_unknown);
  LogWarning(
      std::to_string(count) + " of " + std::to_string(images.size()) + " images (" + first.name +
      ", ...) have features without colmatch's notes, as in a file that COLMAP's own database_merger made. "
      "They are taken for those of --weights, the scores of their keypoints, which SuperGlue reads, for " +
      std::to_string(kUnknownScore).substr(0, 4) +
      ". colmatch feature_extractor with the options of before recognises them and gives the scores back; "
      "colmatch database_merger keeps the notes");
}

Provenance ProvenanceOfFeatures(ColmapDatabase& database, const Image& image) {
  auto provenance = database.ReadImageProvenance(image.image_id);
  if (!provenance && AreLikeOurs(database, image)) {
    const auto n = static_cast<size_t>(database.NumKeypoints(image.image_id));
    return {"unknown", std::vector<float>(n, kUnknownScore)};
  }
  if (!provenance) {
    throw UsageError(database.path() + ": the features of " + image.name +
                     " were not made by colmatch; run colmatch feature_extractor into a database of its own");
  }
  return *std::move(provenance);
}

std::string MatchingProvenance(const MatchingPipelineOptions& o, const CommonOptions& common,
                               const UsedWeights& weights) {
  std::ostringstream text;
  const MatcherEntry& matcher = FindMatcher(o.matching.matcher);
  text << "matcher " << matcher.name;
  if (matcher.needs_superglue) {
    const SuperGlueOptions& s = o.matching.superglue;
    text << ' ' << weights.sha256 << s.kMatchThreshold.Note(s.match_threshold)
         << s.kSinkhornIterations.Note(s.sinkhorn_iterations);
    if (s.guidance_rounds >= 0) text << s.kGuidanceRounds.Note(s.guidance_rounds);
    text << PrefilterProvenance(o.matching.prefilter, weights.metadata);
    const auto precision = PrecisionFromName(common.precision, DevicesFromName(common.device).front());
    if (precision != Precision::kFloat32) text << ' ' << NameOf(precision);
  }
  if (matcher.provenance != nullptr) text << matcher.provenance(o.matching);
  return text.str();
}

std::string RotatedProvenance(const std::string& provenance, int quarter_turns) {
  return provenance + kRotated + std::to_string(quarter_turns);
}

PairState StateOf(ColmapDatabase& database, const Image& a, const Image& b, const std::string& provenance) {
  const TraceSpan span("look up");
  PairState state;
  state.matched = database.HasMatches(a.image_id, b.image_id);
  state.has_geometry = database.HasTwoViewGeometry(a.image_id, b.image_id);
  if (!state.matched) return state;
  const auto found = database.ReadPairProvenance(a.image_id, b.image_id);
  if (found && found->outdated) {
    state = {};
    state.outdated = true;
    return state;
  }
  state.ours = found.has_value();
  const auto begins_with = [&](const std::string& text) { return found && found->text.rfind(text, 0) == 0; };
  state.rotated = begins_with(provenance + kRotated) || begins_with(provenance + kFormerlyRotated);
  if (found && found->text != provenance && !state.rotated) {
    throw UsageError(database.path() + ": the matches of " + a.name + " and " + b.name +
                     " were made by other weights or options (" + found->text + "; now: " + provenance +
                     "); use the same options or another database");
  }
  return state;
}

}  // namespace colmatch
