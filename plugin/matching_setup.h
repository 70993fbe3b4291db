// What all matching commands share: the matcher with its weights, the images, and what is said beside a
// pair's rows of how they were made.
#pragma once

#include <string>
#include <vector>

#include "database_io/colmap_database.h"
#include "matcher/frontend.h"
#include "plugin/caching_matcher.h"
#include "plugin/matching_pipeline.h"

namespace colmatch {

// Throws UsageError where SuperGlue is asked for and --weights names none.
FeatureMatcher MakeMatcher(const MatchingPipelineOptions& options, const CommonOptions& common,
                           torch::Device device, UsedWeights& used);
// One a worker on the devices that are asked for, the weights read once. num_prepared: images that stay
// prepared in each.
MatcherPool MakeMatchers(const MatchingPipelineOptions& options, const CommonOptions& common,
                         size_t num_prepared, UsedWeights& used);

// Images that have features, by id; the others are named in the stats.
std::vector<Image> ImagesWithFeatures(ColmapDatabase& database, MatchingPipelineStats& stats);

// Throws EnvironmentError, before any work, if the two images with the most keypoints are too many for the
// memory that is left. On a GPU nothing is checked.
void RequireMemoryForPairs(ColmapDatabase& database, const std::vector<Image>& images,
                           const CommonOptions& common);

// One line in the log where features have no note of what made them.
void TellOfUnknownFeatures(ColmapDatabase& database, const std::vector<Image>& images);

// What made the image's features. Where nothing is noted (COLMAP's database_merger leaves colmatch's tables
// out) and they may be colmatch's by their form, "unknown" and the same score for all. Throws UsageError
// where they may not.
Provenance ProvenanceOfFeatures(ColmapDatabase& database, const Image& image);

// Everything that decides the matches, as one line beside each row.
std::string MatchingProvenance(const MatchingPipelineOptions& options, const CommonOptions& common,
                               const std::string& weights_hash);

// The same once turned_matcher has looked at the pair: the second photo turned by so many quarter turns.
std::string TurnedProvenance(const std::string& provenance, int quarter_turns);

struct PairState {
  bool matched = false, has_geometry = false;  // has_geometry: also one without inliers
  bool ours = false;                           // the matches were made by colmatch
  bool turned = false;                         // looked at by turned_matcher
  bool outdated = false;  // rows are there, of features that were made anew since: not done
  // A geometry without matches is one that another program imported as verified; it stays.
  bool IsDone() const { return has_geometry; }
};

// Throws UsageError where the pair's rows are of other weights or options.
PairState StateOf(ColmapDatabase& database, const Image& a, const Image& b, const std::string& provenance);

}  // namespace colmatch
