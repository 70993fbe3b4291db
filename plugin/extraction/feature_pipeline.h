// Photos to features in the database: `colmatch feature_extractor`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "database_io/colmap_database.h"
#include "matcher/feature_extractor.h"
#include "plugin/extraction/camera_choice.h"
#include "plugin/extraction/cluster_records.h"
#include "plugin/extraction/feature_options.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/pipeline_stats.h"
#include "plugin/photos/image_resize.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Everything that decides the features of all photos, as one line beside each photo's rows; PhotoSuffix
// follows it.
std::string FeatureProvenance(const FeaturePipelineOptions& options, const FeatureExtractor& extractor);

// True if the photo's rows are whole; throws UsageError where they are of other weights or options. False
// also where there are such rows and no note of what made them, which WriteFeatures compares with new ones.
bool FeaturesAreThere(ColmapDatabase& database, const std::string& name, const std::string& provenance);

// With the cameras that photos of this run have in the database (`names`; nullptr: every photo there), so
// that a run that is resumed goes on with them. As in COLMAP, photos of an earlier run share no camera with
// those of another one. Throws UsageError for bad options.
CameraAssigner MakeCameraAssigner(ColmapDatabase& database, const FeaturePipelineOptions& options,
                                  const std::vector<std::string>* names = nullptr);

// One transaction; image and camera rows are made if they are not there. False: another program was faster,
// its rows stay. Throws InputError for a photo that cannot be stored, UsageError where rows of other weights
// or options are there.
bool WriteFeatures(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo,
                   const std::string& provenance);

// Calls `then` for each photo in order, one that cannot be used with its error. False: stopped by a signal.
bool ExtractPhotos(const CommonOptions& common, EnginePool<PhotoExtractor>& extractors,
                   const std::vector<std::string>& names,
                   const std::function<void(const FeatureRecord&)>& then);

// Skips photos whose rows are there with the same provenance; one transaction a photo. Throws UsageError
// where rows of other weights or options are there, EnvironmentError before any work if the database cannot
// be written.
FeaturePipelineStats ExtractCollection(const FeaturePipelineOptions& options, const CommonOptions& common);

}  // namespace colmatch
