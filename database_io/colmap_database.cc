// Cameras, images and features in COLMAP's database.
#include "database_io/colmap_database.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "database_io/atomic.h"
#include "database_io/feature_code.h"
#include "database_io/frames.h"
#include "database_io/pose_priors.h"
#include "util/error.h"

namespace colmatch {
namespace {

OpenMode ToOpenMode(DatabaseMode mode) {
  switch (mode) {
    case DatabaseMode::kCreateOrOpen:
      return OpenMode::kReadWriteCreate;
    case DatabaseMode::kOpenExisting:
      return OpenMode::kReadWrite;
    case DatabaseMode::kReadOnly:
      break;
  }
  return OpenMode::kReadOnly;
}

// COLMAP keeps ids in 32 bits; SQLite would give back anything. 0 is an id like others: scripts count from
// it.
uint32_t CheckedId(const RowName& row, int64_t id, int64_t limit) {
  if (id >= 0 && id < limit) return static_cast<uint32_t>(id);
  throw InputError(ToString(row) + ": id " + std::to_string(id) + " is outside 0 to " +
                   std::to_string(limit - 1));
}

constexpr int64_t kMaxCameraId = std::numeric_limits<camera_t>::max();

void CheckValues(const RowName& row, const std::vector<float>& values, size_t expected) {
  if (values.size() != expected) {
    throw InputError(ToString(row) + ": expected " + std::to_string(expected) + " values, got " +
                     std::to_string(values.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw InputError(ToString(row) + ": value " + std::to_string(i) + " is not a finite number");
    }
  }
}

[[noreturn]] void ThrowExists(const RowName& row) {
  throw InputError(ToString(row) + " exists already; delete it before writing it again");
}

[[noreturn]] void ThrowMissing(const RowName& row) { throw InputError(ToString(row) + " does not exist"); }

}  // namespace

ColmapDatabase::ColmapDatabase(const std::string& path, DatabaseMode mode, const ConnectionOptions& options)
    : connection_(path, ToOpenMode(mode), options) {
  if (mode == DatabaseMode::kCreateOrOpen && IsEmpty(connection_)) CreateDatabase(connection_);
  dialect_ = DetectDialect(connection_);
  if (mode == DatabaseMode::kReadOnly) return;
  connection_.KeepLogOnClose(false);
  // With a write-ahead log NORMAL never corrupts a file, it may only lose the last commits at a power cut.
  const bool has_log = connection_.QueryText("PRAGMA journal_mode") == "wal";
  connection_.Execute(has_log ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
  if (!dialect_.private_tables) {
    CreatePrivateTables(connection_);
    dialect_.private_tables = true;
  }
}

ColmapDatabase::~ColmapDatabase() = default;

DatabaseCounts ColmapDatabase::Counts() {
  DatabaseCounts counts;
  counts.cameras = connection_.QueryInt64("SELECT count(*) FROM cameras");
  counts.images = connection_.QueryInt64("SELECT count(*) FROM images");
  counts.images_with_keypoints = connection_.QueryInt64("SELECT count(*) FROM keypoints");
  counts.images_with_descriptors = connection_.QueryInt64("SELECT count(*) FROM descriptors");
  counts.keypoints = connection_.QueryInt64("SELECT coalesce(sum(rows), 0) FROM keypoints");
  counts.matched_pairs = connection_.QueryInt64("SELECT count(*) FROM matches");
  counts.two_view_geometries = connection_.QueryInt64("SELECT count(*) FROM two_view_geometries");
  counts.verified_pairs = connection_.QueryInt64("SELECT count(*) FROM two_view_geometries WHERE rows > 0");
  return counts;
}

std::vector<Camera> ColmapDatabase::Cameras() {
  std::vector<Camera> cameras;
  Statement statement(
      connection_,
      "SELECT camera_id, model, width, height, params, prior_focal_length FROM cameras ORDER BY 1");
  while (statement.Step()) {
    const RowName row{"cameras", statement.Int64(0)};
    Camera camera;
    camera.camera_id = CheckedId(row, statement.Int64(0), kMaxCameraId);
    const int64_t model_id = statement.Int64(1);
    if (model_id < 0 || model_id > std::numeric_limits<int>::max()) {
      throw InputError(ToString(row) + ": model " + std::to_string(model_id) + " is none of COLMAP's");
    }
    camera.model_id = static_cast<int>(model_id);
    camera.width = statement.Int64(2);
    camera.height = statement.Int64(3);
    camera.params = DecodeDoubles(row, "params", statement.Blob(4));
    camera.has_prior_focal_length = statement.Int64(5) != 0;
    cameras.push_back(std::move(camera));
  }
  return cameras;
}

std::vector<Image> ColmapDatabase::Images() {
  std::vector<Image> images;
  Statement statement(connection_, "SELECT image_id, name, camera_id FROM images ORDER BY image_id");
  while (statement.Step()) {
    const RowName row{"images", statement.Int64(0)};
    const image_t image_id = CheckedId(row, statement.Int64(0), kMaxNumImages);
    images.push_back({image_id, statement.Text(1), CheckedId(row, statement.Int64(2), kMaxCameraId),
                      ReadPriorPosition(connection_, dialect_, image_id)});
  }
  return images;
}

std::optional<Image> ColmapDatabase::FindImage(const std::string& name) {
  Statement statement(connection_, "SELECT image_id, camera_id FROM images WHERE name = ?1");
  statement.BindText(1, name);
  if (!statement.Step()) return std::nullopt;
  const RowName row{"images", statement.Int64(0)};
  const image_t image_id = CheckedId(row, statement.Int64(0), kMaxNumImages);
  return Image{image_id, name, CheckedId(row, statement.Int64(1), kMaxCameraId),
               ReadPriorPosition(connection_, dialect_, image_id)};
}

camera_t ColmapDatabase::AddCamera(const Camera& camera) {
  const RowName row{"cameras", camera.camera_id};
  if (camera.model_id < 0 || camera.width <= 0 || camera.height <= 0) {
    throw InputError(ToString(row) + ": expected a model >= 0 and a size > 0, got model " +
                     std::to_string(camera.model_id) + ", " + std::to_string(camera.width) + " x " +
                     std::to_string(camera.height));
  }
  for (const double value : camera.params) {
    if (!std::isfinite(value)) throw InputError(ToString(row) + ": a parameter is not a finite number");
  }
  if (camera.camera_id != 0 && Exists("SELECT 1 FROM cameras WHERE camera_id = ?1", camera.camera_id))
    ThrowExists(row);
  Statement statement(
      connection_,
      "INSERT INTO cameras (camera_id, model, width, height, params, prior_focal_length) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6)");
  if (camera.camera_id != 0) statement.BindInt64(1, CheckedId(row, camera.camera_id, kMaxCameraId));
  statement.BindInt64(2, camera.model_id).BindInt64(3, camera.width).BindInt64(4, camera.height);
  statement.BindBlob(5, EncodeDoubles(camera.params.data(), camera.params.size()));
  statement.BindInt64(6, camera.has_prior_focal_length ? 1 : 0).Run();
  return static_cast<camera_t>(connection_.LastInsertId());
}

image_t ColmapDatabase::AddImage(const Image& image) {
  if (image.name.empty()) throw InputError("an image needs a name");
  if (image.image_id != 0) CheckedId({"images", image.image_id}, image.image_id, kMaxNumImages);
  if (const auto found = FindImage(image.name)) {
    throw InputError("image '" + image.name + "' is in the database already, as image " +
                     std::to_string(found->image_id));
  }
  if (image.image_id != 0 && Exists("SELECT 1 FROM images WHERE image_id = ?1", image.image_id)) {
    ThrowExists({"images", image.image_id});
  }
  if (!Exists("SELECT 1 FROM cameras WHERE camera_id = ?1", image.camera_id)) {
    ThrowMissing({"cameras", image.camera_id});
  }
  Atomic atomic(connection_);
  const bool needs_frame = dialect_.frame_tables && NewImagesNeedFrames(connection_);
  {
    Statement statement(connection_, "INSERT INTO images (image_id, name, camera_id) VALUES (?1, ?2, ?3)");
    if (image.image_id != 0) statement.BindInt64(1, image.image_id);
    statement.BindText(2, image.name).BindInt64(3, image.camera_id).Run();
  }
  const auto image_id = static_cast<image_t>(connection_.LastInsertId());
  if (needs_frame) AddFrame(connection_, image_id, image.camera_id);
  WritePosePriors(connection_, dialect_, image_id, image);
  atomic.Commit();
  return image_id;
}

int ColmapDatabase::CompleteFrames() {
  if (!dialect_.frame_tables) return 0;
  const std::vector<image_t> missing = ImagesMissingFrames(connection_);
  if (missing.empty()) return 0;
  Atomic atomic(connection_);
  for (const image_t image_id : missing) {
    Statement statement(connection_, "SELECT camera_id FROM images WHERE image_id = ?1");
    statement.BindInt64(1, image_id).Step();
    AddFrame(connection_, image_id, CheckedId({"images", image_id}, statement.Int64(0), kMaxCameraId));
  }
  atomic.Commit();
  return static_cast<int>(missing.size());
}

bool ColmapDatabase::HasKeypoints(image_t image_id) {
  return Exists("SELECT 1 FROM keypoints WHERE image_id = ?1", image_id);
}

bool ColmapDatabase::HasDescriptors(image_t image_id) {
  return Exists("SELECT 1 FROM descriptors WHERE image_id = ?1", image_id);
}

void ColmapDatabase::WriteKeypoints(image_t image_id, const KeypointsBlob& keypoints) {
  const RowName row{"keypoints", image_id};
  if (keypoints.cols != 2 && keypoints.cols != 4)
    throw InputError(ToString(row) + ": colmatch writes 2 or 4 columns");
  CheckValues(row, keypoints.xy, keypoints.rows * 2);
  CheckValues(row, keypoints.scales, keypoints.cols == 4 ? keypoints.rows : 0);
  if (RequireImage(image_id) >= 0) ThrowExists(row);
  feature_codes_.erase(image_id);
  Statement statement(connection_,
                      "INSERT INTO keypoints (image_id, rows, cols, data) VALUES (?1, ?2, ?3, ?4)");
  statement.BindInt64(1, image_id).BindInt64(2, static_cast<int64_t>(keypoints.rows));
  statement.BindInt64(3, keypoints.cols).BindBlob(4, EncodeKeypoints(keypoints)).Run();
}

KeypointsBlob ColmapDatabase::ReadKeypoints(image_t image_id) {
  Statement statement(connection_, "SELECT rows, cols, data FROM keypoints WHERE image_id = ?1");
  if (!statement.BindInt64(1, image_id).Step()) ThrowMissing({"keypoints", image_id});
  return DecodeKeypoints({"keypoints", image_id}, statement.Int64(0), statement.Int64(1), statement.Blob(2));
}

int64_t ColmapDatabase::NumKeypoints(image_t image_id) {
  Statement statement(connection_, "SELECT rows FROM keypoints WHERE image_id = ?1");
  return statement.BindInt64(1, image_id).Step() ? statement.Int64(0) : 0;
}

void ColmapDatabase::WriteDescriptors(image_t image_id, const Descriptors& descriptors) {
  const RowName row{"descriptors", image_id};
  if (descriptors.dim < 0 || descriptors.dim > std::numeric_limits<int>::max() / 4) {
    throw InputError(ToString(row) + ": a size of " + std::to_string(descriptors.dim) + " is out of range");
  }
  CheckValues(row, descriptors.values, descriptors.rows * static_cast<size_t>(descriptors.dim));
  const int64_t num_keypoints = RequireImage(image_id);
  const auto rows = static_cast<int64_t>(descriptors.rows);
  if (num_keypoints >= 0 && rows != 0 && rows != num_keypoints) {
    throw InputError(ToString(row) + ": " + std::to_string(rows) + " descriptors for " +
                     std::to_string(num_keypoints) + " keypoints; expected as many, or none");
  }
  if (HasDescriptors(image_id)) ThrowExists(row);
  // Type -1 is COLMAP's UNDEFINED: it has no number for SuperPoint, and stops at one that it does not know.
  Statement statement(
      connection_,
      dialect_.descriptor_type
          ? "INSERT INTO descriptors (image_id, rows, cols, data, type) VALUES (?1, ?2, ?3, ?4, -1)"
          : "INSERT INTO descriptors (image_id, rows, cols, data) VALUES (?1, ?2, ?3, ?4)");
  statement.BindInt64(1, image_id).BindInt64(2, rows).BindInt64(3, int64_t{4} * descriptors.dim);
  statement.BindBlob(4, EncodeFloats(descriptors.values)).Run();
}

bool ColmapDatabase::HasColmatchDescriptors(image_t image_id) {
  Statement statement(connection_, dialect_.descriptor_type
                                       ? "SELECT cols, type FROM descriptors WHERE image_id = ?1"
                                       : "SELECT cols, NULL FROM descriptors WHERE image_id = ?1");
  if (!statement.BindInt64(1, image_id).Step()) return false;
  const auto type = statement.IsNull(1) ? std::nullopt : std::optional<int64_t>(statement.Int64(1));
  return DescriptorsAreOurs(image_id, statement.Int64(0), type);
}

Descriptors ColmapDatabase::ReadDescriptors(image_t image_id) {
  Statement statement(connection_, dialect_.descriptor_type
                                       ? "SELECT rows, cols, data, type FROM descriptors WHERE image_id = ?1"
                                       : "SELECT rows, cols, data FROM descriptors WHERE image_id = ?1");
  const RowName row{"descriptors", image_id};
  if (!statement.BindInt64(1, image_id).Step()) ThrowMissing(row);
  const int64_t cols = statement.Int64(1);
  const auto type = dialect_.descriptor_type ? std::optional<int64_t>(statement.Int64(3)) : std::nullopt;
  if (!DescriptorsAreOurs(image_id, cols, type)) {
    throw InputError(ToString(row) + " holds another program's descriptors (" + std::to_string(cols) +
                     " columns" + (type ? ", COLMAP's type " + std::to_string(*type) : "") +
                     "), not colmatch's; delete the image's features and extract them again");
  }
  return DecodeFloatDescriptors(row, statement.Int64(0), cols, statement.Blob(2));
}

// A provenance row says so. Without one: type -1, or, in files without types, not the 128 bytes of SIFT.
// COLMAP 4 gives type 0, SIFT, to every row of a 3.8 file it converts: what has not 128 columns is not SIFT's
// all the same.
bool ColmapDatabase::DescriptorsAreOurs(image_t image_id, int64_t cols, std::optional<int64_t> type) {
  if (dialect_.private_tables && Exists("SELECT 1 FROM colmatch_images WHERE image_id = ?1", image_id))
    return true;
  return !type || *type == 0 ? cols != 128 : *type == -1;
}

std::string ColmapDatabase::FeatureCode(image_t image_id) {
  const auto known = feature_codes_.find(image_id);
  if (known != feature_codes_.end()) return known->second;
  Statement statement(
      connection_,
      dialect_.private_tables
          ? "SELECT k.data, p.scores FROM keypoints k LEFT JOIN colmatch_images p USING (image_id) "
            "WHERE image_id = ?1"
          : "SELECT data, NULL FROM keypoints WHERE image_id = ?1");
  std::string code = "none";
  if (statement.BindInt64(1, image_id).Step()) code = CodeOf({statement.Blob(0), statement.Blob(1)});
  return feature_codes_[image_id] = code;
}

void ColmapDatabase::DeleteFeatures(image_t image_id) {
  feature_codes_.erase(image_id);
  Atomic atomic(connection_);
  for (const char* table : {"keypoints", "descriptors"}) {  // Provenance goes with the keypoints.
    Statement statement(connection_, std::string("DELETE FROM ") + table + " WHERE image_id = ?1");
    statement.BindInt64(1, image_id).Run();
  }
  DeletePairsOf(image_id);
  atomic.Commit();
}

int64_t ColmapDatabase::DeletePairsOf(image_t image_id) {
  Atomic atomic(connection_);
  int64_t count = 0;
  for (const char* table : {"matches", "two_view_geometries"}) {
    const std::string where =
        std::string(" FROM ") + table + " WHERE pair_id / 2147483647 = ?1 OR pair_id % 2147483647 = ?1";
    {
      Statement counted(connection_, "SELECT count(*)" + where);
      counted.BindInt64(1, image_id).Step();
      count = std::max(count, counted.Int64(0));
    }
    Statement statement(connection_, "DELETE" + where);
    statement.BindInt64(1, image_id).Run();
  }
  atomic.Commit();
  return count;
}

bool ColmapDatabase::Exists(const char* sql, int64_t id) {
  Statement statement(connection_, sql);
  return statement.BindInt64(1, id).Step();
}

int64_t ColmapDatabase::RequireImage(image_t image_id) {
  Statement statement(
      connection_, "SELECT (SELECT rows FROM keypoints WHERE image_id = ?1) FROM images WHERE image_id = ?1");
  if (!statement.BindInt64(1, image_id).Step()) ThrowMissing({"images", image_id});
  return statement.IsNull(0) ? -1 : statement.Int64(0);
}

}  // namespace colmatch
