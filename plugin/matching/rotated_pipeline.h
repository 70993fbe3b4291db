// Pairs that did not match because one photo was taken with the camera rotated: `colmatch rotated_matcher`.
#pragma once

#include <string>

#include "plugin/extraction/feature_options.h"
#include "plugin/matching/matching_job.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Into how many groups the verified pairs of the database join the photos that have features. More than one
// means that there is no way from some photos to others.
int CountGroups(const std::string& database_path, const CommonOptions& common);

// Matches every pair with fewer inliers than twice the minimum again, with the second photo rotated by 90,
// 180 and 270 degrees (matcher/turn.h). Where that gives more inliers, it replaces the pair's rows. Pairs
// matched by another program are left alone. A pair is tried once: the same command continues where it was
// stopped. stats.matched are the pairs that were replaced, stats.already_there those tried before. The
// options must be those that the features and matches were made with: UsageError otherwise. Holds about 1.5
// MB of descriptors a photo.
MatchingPipelineStats MatchRotated(const FeaturePipelineOptions& features,
                                   const MatchingPipelineOptions& matching, const CommonOptions& common);

}  // namespace colmatch
