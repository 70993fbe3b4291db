// Shared by the matching commands; see matching_setup.h.
#include "plugin/matching_setup.h"

#include <algorithm>
#include <sstream>
#include <thread>

#include "network/bf16.h"
#include "network/error.h"
#include "plugin/colmap_convert.h"
#include "plugin/log.h"
#include "plugin/weights_location.h"

namespace colmatch {
namespace {

constexpr char kTurned[] = " turned ";

}  // namespace

FeatureMatcher MakeMatcher(const MatchingPipelineOptions& o, const CommonOptions& common, UsedWeights& used) {
  MatcherOptions matching = o.matching;
  matching.type = MatcherTypeFromName(o.matcher);
  if (matching.type == MatcherType::kSuperGlue)
    matching.precision = InferencePrecisionFromName(common.precision);
  if (matching.precision == InferencePrecision::kBf16 && !HasBf16Instructions())
    LogInfo(
        "--precision bf16: this machine's CPU has no bf16 instructions; matching is no faster than in fp32");
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

int NumWorkers(const CommonOptions& common) {
  return common.num_threads > 0 ? common.num_threads : static_cast<int>(std::thread::hardware_concurrency());
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

std::string MatchingProvenance(const MatchingPipelineOptions& o, const CommonOptions& common,
                               const std::string& weights_hash) {
  std::ostringstream text;
  text << "matcher " << o.matcher;
  if (o.matcher == "superglue") {
    text << ' ' << weights_hash << " match_threshold " << o.matching.superglue.match_threshold
         << " sinkhorn_iterations " << o.matching.superglue.sinkhorn_iterations;
    if (InferencePrecisionFromName(common.precision) != InferencePrecision::kFloat32)
      text << ' ' << common.precision;
  }
  if (o.matcher == "nn_ratio") text << " max_ratio " << o.matching.max_ratio;
  return text.str();
}

std::string TurnedProvenance(const std::string& provenance, int quarter_turns) {
  return provenance + kTurned + std::to_string(quarter_turns);
}

PairState StateOf(ColmapDatabase& database, const Image& a, const Image& b, const std::string& provenance) {
  PairState state;
  state.matched = database.HasMatches(a.image_id, b.image_id);
  if (!state.matched) return state;
  const auto found = database.ReadPairProvenance(a.image_id, b.image_id);
  state.ours = found.has_value();
  state.turned = found && found->text.rfind(provenance + kTurned, 0) == 0;
  if (found && found->text != provenance && !state.turned) {
    throw UsageError(database.path() + ": the matches of " + a.name + " and " + b.name +
                     " were made by other weights or options (" + found->text + "; now: " + provenance +
                     "); use the same options or another database");
  }
  state.has_geometry = database.HasTwoViewGeometry(a.image_id, b.image_id);
  return state;
}

PairRows MatchImages(FeatureMatcher& matcher, const PreparedImage& image0, const PreparedImage& image1) {
  const auto list = ListMatches(matcher.Match(image0, image1));
  PairRows rows;
  rows.confidences.resize(list.size());
  std::transform(list.begin(), list.end(), rows.confidences.begin(),
                 [](const MatchedPair& p) { return p.confidence; });
  rows.matches = MatchesForColmap(list);
  return rows;
}

}  // namespace colmatch
