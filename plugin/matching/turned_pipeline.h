// Pairs that did not match because one photo was taken with the camera turned: `colmatch turned_matcher`.
#pragma once

#include <string>

#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_pipeline.h"

namespace colmatch {

// Into how many groups the verified pairs of the database join the photos that have features. More than one
// means that there is no way from some photos to others.
int CountGroups(const std::string& database_path, const CommonOptions& common);

// Looks at every pair that was not verified, or with fewer than twice the least number of inliers, with the
// second photo turned by a quarter, a half and three quarters of a turn (matcher/turn.h), and where that
// gives more inliers writes it in the pair's place. Pairs that another program matched are left alone. A pair
// is looked at once: the same command goes on where it was stopped. stats.matched are the pairs that were
// replaced, stats.already_there those looked at before. Needs the options the features and matches were made
// with; throws UsageError where they are others'. Holds about 1.5 MB of descriptors a photo.
MatchingPipelineStats MatchTurned(const FeaturePipelineOptions& features,
                                  const MatchingPipelineOptions& matching, const CommonOptions& common);

}  // namespace colmatch
