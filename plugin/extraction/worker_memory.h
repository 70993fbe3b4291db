// How many workers on the CPU the memory suffices for.
#pragma once

#include <cstdint>
#include <string>

#include "matcher/feature_extractor.h"
#include "plugin/extraction/feature_options.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// As many as there are threads to use, fewer where `available` bytes do not suffice for them all, at least 1.
int WorkersThatFit(int threads, uint64_t bytes_each, uint64_t available);

// WorkersThatFit into the memory that is left; says so once where they are fewer than the threads. what: "a
// pair of 2048 and 2048 keypoints".
int WorkersForItems(const CommonOptions& common, uint64_t bytes_each, const std::string& what);

// For the largest photo that the options let through.
int WorkersForPhotos(const FeaturePipelineOptions& options, const FeatureExtractor& extractor,
                     const CommonOptions& common);

}  // namespace colmatch
