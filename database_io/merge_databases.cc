// Merging; see merge_databases.h. The work is SQLite's: rows are copied with their ids moved.
#include "database_io/merge_databases.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "database_io/colmap_database.h"
#include "database_io/frames.h"
#include "database_io/pose_priors.h"
#include "database_io/schema.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ColumnsOf(Connection& connection, const std::string& schema,
                                   const std::string& table) {
  std::vector<std::string> columns;
  Statement statement(connection, "PRAGMA " + schema + ".table_info(" + table + ")");
  while (statement.Step()) columns.push_back(statement.Text(1));
  return columns;
}

// What is added to the second file's ids.
struct Offsets {
  int64_t camera = 0, image = 0, rig = 0, frame = 0;

  std::string Moved(const std::string& column, int64_t by) const {
    return column + " + " + std::to_string(by);
  }
  // pair_id = 2147483647 id1 + id2.
  int64_t pair() const { return (kMaxNumImages + 1) * image; }
};

// The first free id of the merged file less the smallest of the second's.
int64_t OffsetOf(Connection& merged, const std::string& table, const std::string& id) {
  const auto bound = [&](const std::string& what, const std::string& schema, const std::string& otherwise) {
    return merged.QueryInt64("SELECT coalesce(" + what + "(" + id + "), " + otherwise + ") FROM " + schema +
                             "." + table);
  };
  return bound("max", "main", "0") + 1 - bound("min", "other", "1");
}

class Merger {
 public:
  Merger(Connection& merged, Connection& other) : merged_(merged), other_(other) {
    ours_ = DetectDialect(merged);
    theirs_ = DetectDialect(other);
    if (!ours_.private_tables) CreatePrivateTables(merged);
    offsets_.camera = OffsetOf(merged, "cameras", "camera_id");
    offsets_.image = OffsetOf(merged, "images", "image_id");
    if (both_have_frames()) {
      offsets_.rig = OffsetOf(merged, "rigs", "rig_id");
      offsets_.frame = OffsetOf(merged, "frames", "frame_id");
    }
  }

  // Inside a transaction. Returns how many position priors found no place.
  int64_t Run() {
    RequireDifferentNames();
    RequireRoom();
    const std::string image_id = offsets_.Moved("image_id", offsets_.image);
    const std::string camera_id = offsets_.Moved("camera_id", offsets_.camera);
    const std::string pair_id = offsets_.Moved("pair_id", offsets_.pair());
    Copy("cameras", {{"camera_id", camera_id}});
    Copy("images", {{"image_id", image_id}, {"camera_id", camera_id}});
    Copy("keypoints", {{"image_id", image_id}});
    // A file without types holds SIFT's 128 columns or features that COLMAP 4 has no number for.
    Copy("descriptors", {{"image_id", image_id}},
         theirs_.descriptor_type ? "" : "CASE WHEN cols = 128 THEN 0 ELSE -1 END");
    Copy("matches", {{"pair_id", pair_id}});
    // The cameras of 4.2's blobs are known by their old ids; COLMAP takes NULL for the image's cameras.
    Copy("two_view_geometries", {{"pair_id", pair_id}, {"camera1", "NULL"}, {"camera2", "NULL"}});
    if (theirs_.private_tables) {
      Copy("colmatch_images", {{"image_id", image_id}});
      Copy("colmatch_pairs", {{"pair_id", pair_id}});
    }
    if (both_have_frames()) CopyFrames();
    return CopyPriors();
  }

 private:
  using Expressions = std::map<std::string, std::string>;

  bool both_have_frames() const { return ours_.frame_tables && theirs_.frame_tables; }

  // Every column that both files have, but for those with an empty expression. type: of descriptors, where
  // only the merged file has it.
  void Copy(const std::string& table, const Expressions& expressions, const std::string& type = "") {
    const std::vector<std::string> theirs = ColumnsOf(merged_, "other", table);
    const std::set<std::string> known(theirs.begin(), theirs.end());
    std::string columns, values;
    for (const std::string& column : ColumnsOf(merged_, "main", table)) {
      const auto found = expressions.find(column);
      std::string value = found != expressions.end() ? found->second : column;
      if (value.empty()) continue;
      if (known.count(column) == 0) {
        if (column != "type" || type.empty()) continue;
        value = type;
      }
      columns += (columns.empty() ? "" : ", ") + column;
      values += (values.empty() ? "" : ", ") + value;
    }
    merged_.Execute("INSERT INTO main." + table + " (" + columns + ") SELECT " + values + " FROM other." +
                    table);
  }

  void RequireDifferentNames() {
    Statement statement(merged_,
                        "SELECT name FROM main.images WHERE name IN (SELECT name FROM other.images)");
    if (!statement.Step()) return;
    throw UsageError(
        "both databases have an image " + statement.Text(0) +
        ": an image's name must be in one of them only; rename it, or extract and match all photos "
        "into one database");
  }

  void RequireRoom() {
    const int64_t last = merged_.QueryInt64("SELECT coalesce(max(image_id), 0) FROM other.images");
    if (last + offsets_.image < kMaxNumImages) return;
    throw InputError("the image ids of both databases together reach " +
                     std::to_string(last + offsets_.image) + ", COLMAP's end below " +
                     std::to_string(kMaxNumImages));
  }

  void CopyFrames() {
    const std::string sensor = offsets_.Moved("", offsets_.camera),
                      rig = offsets_.Moved("rig_id", offsets_.rig);
    const std::string frame = offsets_.Moved("frame_id", offsets_.frame);
    Copy("rigs", {{"rig_id", rig}, {"ref_sensor_id", "ref_sensor_id" + sensor}});
    Copy("rig_sensors", {{"rig_id", rig}, {"sensor_id", "sensor_id" + sensor}});
    Copy("frames", {{"frame_id", frame}, {"rig_id", rig}});
    Copy("frame_data", {{"frame_id", frame},
                        {"data_id", offsets_.Moved("data_id", offsets_.image)},
                        {"sensor_id", "sensor_id" + sensor}});
  }

  int64_t CopyPriors() {
    if (theirs_.pose_priors == PosePriorTable::kNone) return 0;
    if (BothHave("corr_data_id") || BothHave("image_id")) {
      CopySamePriors();
      return 0;
    }
    int64_t lost = 0;
    Statement images(other_, "SELECT image_id, camera_id FROM images");
    while (images.Step()) {
      const auto image_id = static_cast<image_t>(images.Int64(0));
      if (!ReadPositionPrior(other_, theirs_, image_id)) continue;
      Image image;
      image.camera_id = static_cast<camera_t>(images.Int64(1) + offsets_.camera);
      image.prior_position = ReadPriorPosition(other_, theirs_, image_id);
      const bool has_place = ours_.pose_priors != PosePriorTable::kNone || ours_.image_priors;
      if (!image.prior_position || !has_place) {
        ++lost;
        continue;
      }
      WritePosePriors(merged_, ours_, static_cast<image_t>(image_id + offsets_.image), image);
    }
    return lost;
  }

  // Of pose_priors; the case of names counts (schema.cc).
  bool BothHave(const char* column) {
    for (const char* schema : {"main", "other"}) {
      const auto columns = ColumnsOf(merged_, schema, "pose_priors");
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) return false;
    }
    return true;
  }

  void CopySamePriors() {
    Copy("pose_priors", {{"image_id", offsets_.Moved("image_id", offsets_.image)},
                         {"IMAGE_ID", offsets_.Moved("IMAGE_ID", offsets_.image)},
                         {"pose_prior_id", ""},  // the next one
                         {"corr_data_id", offsets_.Moved("corr_data_id", offsets_.image)},
                         {"corr_sensor_id", offsets_.Moved("corr_sensor_id", offsets_.camera)}});
  }

  Connection &merged_, &other_;
  Dialect ours_, theirs_;
  Offsets offsets_;
};

// The weights' hash of a provenance ("superpoint HASH ..."), of one image; empty where nothing is noted.
std::string WeightsOf(ColmapDatabase& database) {
  for (const Image& image : database.Images()) {
    const auto made_by = database.ReadImageProvenance(image.image_id);
    if (!made_by) continue;
    const auto blank = made_by->text.find(' ', made_by->text.find(' ') + 1);
    return made_by->text.substr(0, blank);
  }
  return "";
}

// Also throws where a file is not there, is damaged or is not COLMAP's.
void RequireSameWeights(const std::string& path1, const std::string& path2,
                        const ConnectionOptions& options) {
  ColmapDatabase first(path1, DatabaseMode::kReadOnly, options),
      second(path2, DatabaseMode::kReadOnly, options);
  const std::string weights1 = WeightsOf(first), weights2 = WeightsOf(second);
  if (weights1.empty() || weights2.empty() || weights1 == weights2) return;
  throw UsageError("the features of " + path1 + " and " + path2 + " are of different weights (" + weights1 +
                   "; " + weights2 +
                   "), which do not match each other: extract one of them again with the other's --weights");
}

void Attach(Connection& connection, const std::string& path, const std::string& schema) {
  Statement attach(connection, "ATTACH ?1 AS " + schema);
  attach.BindText(1, path).Run();
}

void RemoveWithLog(const std::string& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(file + suffix, ignored);
}

DatabaseMergeStats MergeInto(const std::string& file, const std::string& path2,
                             const ConnectionOptions& options) {
  DatabaseMergeStats stats;
  {
    Connection merged(file, OpenMode::kReadWrite, options), other(path2, OpenMode::kReadOnly, options);
    merged.Execute("PRAGMA foreign_keys = ON");
    Attach(merged, path2, "other");
    merged.Execute("DROP TABLE IF EXISTS main.colmatch_transitive");  // of a command that was interrupted
    Merger merger(merged, other);
    Transaction transaction(merged);
    stats.lost_priors = merger.Run();
    transaction.Commit();
    merged.Execute("DETACH other");
    merged.Execute("PRAGMA journal_mode = WAL");
  }
  ColmapDatabase database(file, DatabaseMode::kOpenExisting, options);
  database.CompleteFrames();
  const DatabaseCounts counts = database.Counts();
  stats.images = counts.images;
  stats.cameras = counts.cameras;
  stats.pairs = counts.matched_pairs;
  return stats;
}

}  // namespace

// A connection that only reads may not write the copy either: another one does it.
void CopyDatabase(const std::string& path, const std::string& copy, const ConnectionOptions& options) {
  const std::string helper_path = copy + ".helper";
  {
    Connection helper(helper_path, OpenMode::kReadWriteCreate, options);
    Attach(helper, path, "source");
    Statement vacuum(helper, "VACUUM source INTO ?1");
    vacuum.BindText(1, copy).Run();
  }
  RemoveWithLog(helper_path);
}

DatabaseMergeStats MergeDatabases(const std::string& path1, const std::string& path2,
                                  const std::string& merged_path, const ConnectionOptions& options) {
  if (fs::exists(merged_path)) throw UsageError(merged_path + " exists already: name a file that does not");
  RequireSameWeights(path1, path2, options);
  const std::string file = merged_path + ".part";
  RemoveWithLog(file);
  try {
    CopyDatabase(path1, file, options);
    const DatabaseMergeStats stats = MergeInto(file, path2, options);
    fs::rename(file, merged_path);
    return stats;
  } catch (...) {
    RemoveWithLog(file);
    RemoveWithLog(file + ".helper");
    throw;
  }
}

}  // namespace colmatch
