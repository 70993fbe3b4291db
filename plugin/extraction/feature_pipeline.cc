// Feature extraction of a collection; see feature_pipeline.h.
#include "plugin/extraction/feature_pipeline.h"

#include <deque>
#include <filesystem>
#include <future>
#include <limits>
#include <memory>
#include <sstream>
#include <unordered_set>

#include "database_io/colmap_database.h"
#include "network/architecture.h"
#include "plugin/extraction/colmap_convert.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/precision_choice.h"
#include "plugin/photos/exif.h"
#include "plugin/photos/image_reader.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/trace.h"
#include "plugin/workers/in_order.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// COLMAP's CAMERA_EXIST_DIM_ERROR: the photo was replaced since its row was made.
void RequireSizeOfCamera(ColmapDatabase& database, const Image& image, const FeatureRecord& photo) {
  for (const Camera& camera : database.Cameras()) {
    if (camera.camera_id != image.camera_id || (camera.width == photo.width && camera.height == photo.height))
      continue;
    throw InputError(photo.name + ": is " + std::to_string(photo.width) + "x" + std::to_string(photo.height) +
                     " pixels, but its camera in the database " + std::to_string(camera.width) + "x" +
                     std::to_string(camera.height));
  }
}

FeatureRecord ExtractPhoto(const Photo& photo, PhotoExtractor& extractor) {
  FeatureRecord record;
  record.name = photo.name;
  record.error = photo.error;
  record.suffix = photo.suffix;
  record.exif = photo.exif;
  record.width = photo.width;
  record.height = photo.height;
  if (!photo.error.empty()) return record;
  try {
    const Features features = extractor.Extract(photo);
    record.keypoints = KeypointsForColmap(features);
    record.descriptors = DescriptorsForColmap(features);
    record.scores = ScoresForColmap(features);
  } catch (const InputError& error) {
    record.error = error.what();
  }
  return record;
}

// The image's id; camera and image rows are made if they are not there.
image_t ImageRow(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo) {
  if (const auto image = database.FindImage(photo.name)) {
    RequireSizeOfCamera(database, *image, photo);
    return image->image_id;
  }
  Camera camera = cameras.Assign(photo.name, photo.width, photo.height, photo.exif);
  if (camera.camera_id == 0) camera.camera_id = database.AddCamera(camera);
  cameras.Remember(photo.name, photo.exif, camera);
  Image image;
  image.name = photo.name;
  image.camera_id = camera.camera_id;
  if (photo.exif.latitude_deg && photo.exif.longitude_deg) {
    image.prior_position =
        GeoPosition{*photo.exif.latitude_deg, *photo.exif.longitude_deg,
                    photo.exif.altitude_m.value_or(std::numeric_limits<double>::quiet_NaN())};
  }
  image.gravity = GravityOfOrientation(photo.exif.orientation);
  return database.AddImage(image);
}

// An image without keypoints that has pairs had other keypoints once, which the pairs' indices are of.
void DropPairsOfOldFeatures(ColmapDatabase& database, image_t id, const std::string& name) {
  const int64_t count = database.DeletePairsOf(id);
  if (count == 0) return;
  LogInfo(name + ": its features are made anew; " + std::to_string(count) +
          " pairs that were matched with those before are removed, to be matched again");
}

void RememberStoredCamera(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo) {
  const camera_t id = database.FindImage(photo.name)->camera_id;
  for (const Camera& camera : database.Cameras()) {
    if (camera.camera_id == id) cameras.Remember(photo.name, photo.exif, camera);
  }
}

// Features without a note of who made them, as in a file that COLMAP merged: where they are, number for
// number, those that were just made, they get the note and their scores, and nothing else changes. False:
// there are none.
bool AdoptFeatures(ColmapDatabase& database, const FeatureRecord& photo, const std::string& text) {
  const auto image = database.FindImage(photo.name);
  if (!image || !database.HasKeypoints(image->image_id)) return false;
  if (database.ReadKeypoints(image->image_id).xy != photo.keypoints.xy ||
      database.ReadDescriptors(image->image_id).values != photo.descriptors.values) {
    throw UsageError(
        database.path() + ": the features of " + photo.name +
        " were made by another program, or by other weights or options than these (" + text +
        "); features of two kinds do not match each other: use another database or the same options");
  }
  database.WriteImageProvenance(image->image_id, text, photo.scores);
  return true;
}

// COLMAP 4's tables are told by pose_priors; our own new files count as COLMAP 3's.
FocalConvention FocalConventionOf(const std::string& name, const Dialect& dialect) {
  if (name == "colmap3") return FocalConvention::kColmap3;
  if (name == "colmap4") return FocalConvention::kColmap4;
  return dialect.pose_priors == PosePriorTable::kByCorrId ? FocalConvention::kColmap4
                                                          : FocalConvention::kColmap3;
}

// descriptors.type is in files of COLMAP 4, and in our own, which COLMAP 3 opens too.
void CheckModelFitsDatabase(const std::string& model, const ColmapDatabase& database) {
  if (IsModelOfColmap3(static_cast<int>(CameraModelByName(model).id))) return;
  if (!database.dialect().descriptor_type) {
    throw UsageError("--ImageReader.camera_model " + model + " is known to COLMAP 4 only, and " +
                     database.path() + " is a database of COLMAP 3; use a new database or another model");
  }
  LogWarning("camera model " + model + ": COLMAP 3 will not be able to use this database");
}

bool IsDone(ColmapDatabase& database, const PhotoExtractor& extractor, const std::string& name,
            const std::string& provenance) {
  const auto image = database.FindImage(name);
  if (!image || !database.HasKeypoints(image->image_id)) return false;
  try {
    return FeaturesAreThere(database, name, provenance + extractor.Suffix(name));
  } catch (const InputError&) {
    return false;  // Reading the photo will give the reason.
  }
}

std::vector<std::string> NamesToExtract(ColmapDatabase& database, const PhotoExtractor& extractor,
                                        const std::vector<std::string>& names, const std::string& provenance,
                                        FeaturePipelineStats& stats) {
  std::vector<std::string> todo;
  for (const std::string& name : names) {
    if (IsDone(database, extractor, name, provenance)) {
      ++stats.already_there;
    } else {
      todo.push_back(name);
    }
  }
  return todo;
}

using HandBack = std::function<void(const FeatureRecord&)>;

// Each worker decodes its photos itself: no core waits for another's photo.
void ExtractOnCpu(ExtractorPool& extractors, const std::vector<std::string>& names,
                  const HandBack& hand_back) {
  constexpr size_t kPhotosAWorker = 3;
  InOrder<FeatureRecord> extracted(kPhotosAWorker * extractors.size(), "wait for features");
  for (const std::string& name : names) {
    if (StopRequested()) break;
    extracted.Add(extractors.Submit([&name](PhotoExtractor& extractor) {
      return ExtractPhoto(extractor.Read(name), extractor);
    }),
                  hand_back);
  }
  extracted.Finish();
}

// Photos are decoded ahead, as one thread may take longer for a photo than a GPU does.
void ExtractOnGpus(int num_threads, ExtractorPool& extractors, const std::vector<std::string>& names,
                   const HandBack& hand_back) {
  const PhotoExtractor& reader = extractors.front();
  const size_t num_ahead = reader.HoldsWholePhotos() ? 1 : static_cast<size_t>(num_threads);
  std::deque<std::future<Photo>> ahead;
  size_t next = 0;
  const auto read_ahead = [&] {
    for (; next < names.size() && ahead.size() < num_ahead; ++next)
      ahead.push_back(
          std::async(std::launch::async, [&reader, &name = names[next]] { return reader.Read(name); }));
  };
  // The next photo of each is there when it is done with the one before.
  InOrder<FeatureRecord> extracted(reader.HoldsWholePhotos() ? extractors.size() : 2 * extractors.size(),
                                   "wait for features");
  read_ahead();
  while (!ahead.empty()) {
    const auto photo = std::make_shared<const Photo>(ahead.front().get());
    ahead.pop_front();
    if (StopRequested()) break;
    read_ahead();
    extracted.Add(
        extractors.Submit([photo](PhotoExtractor& extractor) { return ExtractPhoto(*photo, extractor); }),
        hand_back);
  }
  extracted.Finish();
}

}  // namespace

std::string FeatureProvenance(const FeaturePipelineOptions& o, const FeatureExtractor& extractor) {
  std::ostringstream text;
  const KeypointOptions& k = o.keypoints;
  text << "superpoint " << extractor.weights().sha256 << o.kMaxImageSize.Note(o.max_image_size)
       << k.kMaxNumFeatures.Note(k.max_num_features) << k.kKeypointThreshold.Note(k.keypoint_threshold)
       << k.kNmsRadius.Note(k.nms_radius) << k.kRemoveBorders.Note(k.remove_borders)
       << (extractor.refinement() == Refinement::kScores ? " score_radius " : " hessian_radius ")
       << extractor.refinement_radius();  // to what, and how far
  // Options that came later are noted where they are in use, so that older rows still count as the same.
  if (extractor.scales() != SuperPointArchitecture{}.scales)
    text << " scales " << JoinNumbers(extractor.scales());
  if (extractor.place_radius() > 0) text << k.kPlaceRadius.Note(extractor.place_radius());
  if (o.tile_size > 0) text << o.kTileSize.Note(o.tile_size);
  if (extractor.precision() != Precision::kFloat32) text << ' ' << NameOf(extractor.precision());
  return text.str();
}

bool FeaturesAreThere(ColmapDatabase& database, const std::string& name, const std::string& provenance) {
  const auto image = database.FindImage(name);
  if (!image || !database.HasKeypoints(image->image_id)) return false;
  const auto found = database.ReadImageProvenance(image->image_id);
  if (found && found->text == provenance && database.HasDescriptors(image->image_id)) return true;
  if (!found && database.HasColmatchDescriptors(image->image_id))
    return false;  // WriteFeatures compares them
  throw UsageError(
      database.path() + ": the features of " + name + " were made by " +
      (found ? "other weights or options (" + found->text + "; now: " + provenance + ")"
             : std::string("another program")) +
      "; features of two kinds do not match each other: use another database or the same options");
}

CameraAssigner MakeCameraAssigner(ColmapDatabase& database, const FeaturePipelineOptions& o,
                                  const std::vector<std::string>* names) {
  if (o.existing_camera_id < 0) CheckModelFitsDatabase(o.camera.camera_model, database);
  std::map<camera_t, Camera> cameras;
  for (const Camera& camera : database.Cameras()) cameras[camera.camera_id] = camera;
  std::optional<Camera> existing;
  if (o.existing_camera_id >= 0) {
    const auto found = cameras.find(static_cast<camera_t>(o.existing_camera_id));
    if (found == cameras.end()) {
      throw UsageError("--ImageReader.existing_camera_id " + std::to_string(o.existing_camera_id) + ": " +
                       o.database_path + " has no such camera");
    }
    existing = found->second;
  }
  CameraOptions options = o.camera;
  options.focal_convention = FocalConventionOf(o.focal_convention, database.dialect());
  CameraAssigner assigner(options, existing);
  std::unordered_set<std::string> of_this_run;
  if (names) of_this_run.insert(names->begin(), names->end());
  for (const Image& image : database.Images()) {
    const auto found = cameras.find(image.camera_id);
    const bool is_of_this_run = !names || of_this_run.count(image.name) > 0;
    if (is_of_this_run && found != cameras.end())
      assigner.Remember(image.name, ReadExif(PhotoPath(o.image_path, image.name)), found->second);
  }
  return assigner;
}

bool WriteFeatures(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo,
                   const std::string& provenance) {
  const TraceSpan span("write");
  Transaction transaction = database.BeginTransaction();
  const std::string text = provenance + photo.suffix;
  if (FeaturesAreThere(database, photo.name, text) || AdoptFeatures(database, photo, text)) {
    RememberStoredCamera(database, cameras, photo);
    transaction.Commit();
    return false;
  }
  const bool known = database.FindImage(photo.name).has_value();
  const image_t id = ImageRow(database, cameras, photo);
  if (known) DropPairsOfOldFeatures(database, id, photo.name);
  database.WriteKeypoints(id, photo.keypoints);
  if (!database.HasDescriptors(id)) database.WriteDescriptors(id, photo.descriptors);
  database.WriteImageProvenance(id, text, photo.scores);
  transaction.Commit();
  return true;
}

bool ExtractPhotos(const CommonOptions& common, ExtractorPool& extractors,
                   const std::vector<std::string>& names,
                   const std::function<void(const FeatureRecord&)>& then) {
  const auto total = static_cast<int64_t>(names.size());
  ProgressBar bar("features", total, common.progress);
  const ProgressLines lines(common.progress);
  int64_t done = 0;
  const auto hand_back = [&](const FeatureRecord& record) {
    then(record);
    bar.Update(++done);
    if (record.error.empty()) {
      lines.File(done, total, record.name, static_cast<int64_t>(record.keypoints.rows));
    } else {
      lines.FileFailed(done, total, record.name);
    }
  };
  if (extractors.front().network().is_on_cpu()) {
    ExtractOnCpu(extractors, names, hand_back);
  } else {
    ExtractOnGpus(NumWorkers(common), extractors, names, hand_back);
  }
  return done == static_cast<int64_t>(names.size());
}

FeaturePipelineStats ExtractCollection(const FeaturePipelineOptions& o, const CommonOptions& given) {
  o.camera.Validate();
  const CommonOptions common = WithPrecision(given, o.database_path, RowsKind::kFeatures);
  auto names = ListImages(
      o.image_path, o.image_list_path.empty() ? std::nullopt : std::optional<fs::path>(o.image_list_path));
  ExtractorPool extractors = MakeExtractors(o, common);
  const PhotoExtractor& extractor = extractors.front();
  ColmapDatabase database(o.database_path, DatabaseMode::kCreateOrOpen, ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  const std::string provenance = FeatureProvenance(o, extractor.network());

  std::vector<std::string> stored;
  for (const Image& image : database.Images()) stored.push_back(image.name);
  names = NamesAsStored(names, stored);

  FeaturePipelineStats stats;
  stats.weights = {extractor.weights().metadata, extractor.weights().sha256};
  const auto todo = NamesToExtract(database, extractor, names, provenance, stats);
  // After what is there, so that it knows their cameras.
  CameraAssigner cameras = MakeCameraAssigner(database, o, &names);
  stats.stopped = !ExtractPhotos(common, extractors, todo, [&](const FeatureRecord& photo) {
    try {
      if (!photo.error.empty()) throw InputError(photo.error);
      if (WriteFeatures(database, cameras, photo, provenance)) {
        if (photo.keypoints.rows == 0) LogWarning(photo.name + ": no keypoints were found");
        ++stats.extracted;
        stats.num_keypoints += static_cast<int64_t>(photo.keypoints.rows);
      } else {
        ++stats.already_there;
      }
    } catch (const InputError& error) {
      stats.skipped.push_back({photo.name, error.what()});
    }
  });
  return stats;
}

}  // namespace colmatch
