// Import of features; see feature_import.h.
#include "python/native/feature_import.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "database_io/colmap_database.h"
#include "plugin/extraction/colmap_convert.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/matching/matching_options.h"
#include "plugin/photos/image_reader.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "python/native/tensors.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

struct ImportOptions {
  FeaturePipelineOptions pipeline;
  CommonOptions common;
};

ImportOptions ParseImportOptions(const std::vector<std::string>& arguments) {
  CLI::App app;
  ExtractionCommandOptions extraction;
  ImportOptions options;
  extraction.AddTo(app, true);
  AddCommonOptions(app, options.common);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  options.pipeline = extraction.Resolve();
  options.pipeline.camera.Validate();
  return options;
}

FeatureRecord RecordOf(const fs::path& folder, const std::string& name, const FeatureArrays& arrays) {
  FeatureRecord record;
  record.name = name;
  const GrayImage photo = ReadGrayImage(folder / name);
  if (photo.width != arrays.width || photo.height != arrays.height) {
    throw InputError(name + ": is " + std::to_string(photo.width) + "x" + std::to_string(photo.height) +
                     " pixels, but its features are of an image of " + std::to_string(arrays.width) + "x" +
                     std::to_string(arrays.height));
  }
  record.exif = ReadExif(folder / name);
  record.width = arrays.width;
  record.height = arrays.height;
  record.suffix = PhotoSuffix("", arrays.quarter_turns);
  const Features features = ToFeatures(arrays);
  record.keypoints = KeypointsForColmap(features);
  record.descriptors = DescriptorsForColmap(features);
  record.scores = ScoresForColmap(features);
  return record;
}

}  // namespace

ImportedFeatures ImportFeatures(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::shared_ptr<const FeatureArrays>>>& photos,
    const std::string& provenance) {
  const ImportOptions options = ParseImportOptions(arguments);
  ColmapDatabase database(options.pipeline.database_path, DatabaseMode::kCreateOrOpen,
                          ConnectionOptionsOf(options.common));
  database.CheckWritable();
  database.CompleteFrames();
  CameraAssigner cameras = MakeCameraAssigner(database, options.pipeline);
  ImportedFeatures result;
  ProgressBar bar("import", static_cast<int64_t>(photos.size()), "off");
  int64_t done = 0;
  for (const auto& [name, arrays] : photos) {
    if (StopRequested()) break;
    try {
      const bool is_new =
          WriteFeatures(database, cameras, RecordOf(options.pipeline.image_path, name, *arrays), provenance);
      ++(is_new ? result.imported : result.already_there);
    } catch (const InputError& error) {
      result.skipped.emplace_back(name, error.what());
    }
    bar.Update(++done);
  }
  return result;
}

}  // namespace colmatch
