// The tables of COLMAP's database: making a new file, and finding out which COLMAP made an existing one.
#include "database_io/schema.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "util/error.h"

namespace colmatch {
namespace {

// COLMAP 3.8's tables, plus what 3.12 and 4.x want to find: descriptors.type (0, which is SIFT, where
// it is not given: older versions do not name it, and SIFT is what they write), rigs and frames.
//
// pose_priors has the columns of 3.10 to 3.13, which select * and count on their order, then those of 4.x,
// which names its columns. 4.x converts a table that has a column image_id, and loses the gravity: it
// compares the names by case, SQL does not, so that IMAGE_ID is the older versions' column and none of 4.x's.
// The triggers fill in the other versions' columns of a row that COLMAP adds.
constexpr char kColmapTables[] = R"(
CREATE TABLE cameras (camera_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model INTEGER NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL, params BLOB, prior_focal_length INTEGER NOT NULL);
CREATE TABLE images (image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE,
  camera_id INTEGER NOT NULL, prior_qw REAL, prior_qx REAL, prior_qy REAL, prior_qz REAL,
  prior_tx REAL, prior_ty REAL, prior_tz REAL,
  CONSTRAINT image_id_check CHECK(image_id >= 0 and image_id < 2147483647),
  FOREIGN KEY(camera_id) REFERENCES cameras(camera_id));
CREATE UNIQUE INDEX index_name ON images(name);
CREATE TABLE keypoints (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
  data BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);
CREATE TABLE descriptors (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
  data BLOB, type INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);
CREATE TABLE matches (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
  data BLOB);
CREATE TABLE two_view_geometries (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL,
  cols INTEGER NOT NULL, data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB);
CREATE TABLE rigs (rig_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, ref_sensor_id INTEGER NOT NULL,
  ref_sensor_type INTEGER NOT NULL);
CREATE UNIQUE INDEX rig_ref_sensor_assignment ON rigs(ref_sensor_id, ref_sensor_type);
CREATE TABLE rig_sensors (rig_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL, sensor_type INTEGER NOT NULL,
  sensor_from_rig BLOB, FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);
CREATE UNIQUE INDEX rig_sensor_assignment ON rig_sensors(sensor_id, sensor_type);
CREATE TABLE frames (frame_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, rig_id INTEGER NOT NULL,
  FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);
CREATE TABLE frame_data (frame_id INTEGER NOT NULL, data_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL,
  sensor_type INTEGER NOT NULL, FOREIGN KEY(frame_id) REFERENCES frames(frame_id) ON DELETE CASCADE);
CREATE UNIQUE INDEX frame_sensor_assignment ON frame_data(data_id, sensor_type);
CREATE TABLE pose_priors (IMAGE_ID INTEGER UNIQUE, position BLOB, coordinate_system INTEGER NOT NULL,
  position_covariance BLOB, pose_prior_id INTEGER PRIMARY KEY NOT NULL,
  corr_data_id INTEGER NOT NULL DEFAULT -1, corr_sensor_id INTEGER NOT NULL DEFAULT -1,
  corr_sensor_type INTEGER NOT NULL DEFAULT -1, gravity BLOB);
CREATE UNIQUE INDEX pose_prior_data_assignment ON pose_priors(corr_data_id, corr_sensor_id, corr_sensor_type);
CREATE TRIGGER colmatch_prior_of_colmap3 AFTER INSERT ON pose_priors
WHEN NEW.IMAGE_ID IS NOT NULL AND NEW.corr_sensor_type = -1 BEGIN
  UPDATE pose_priors SET corr_data_id = NEW.IMAGE_ID, corr_sensor_type = 0,
    corr_sensor_id = coalesce((SELECT camera_id FROM images WHERE image_id = NEW.IMAGE_ID), 0),
    position_covariance = coalesce(NEW.position_covariance, X')"
                                 "000000000000F87F000000000000F87F000000000000F87F"
                                 "000000000000F87F000000000000F87F000000000000F87F"
                                 "000000000000F87F000000000000F87F000000000000F87F"
                                 R"('),
    gravity = X')"
                                 "000000000000F87F000000000000F87F000000000000F87F"
                                 R"('
  WHERE pose_prior_id = NEW.pose_prior_id;
END;
CREATE TRIGGER colmatch_prior_of_colmap4 AFTER INSERT ON pose_priors
WHEN NEW.IMAGE_ID IS NULL AND NEW.corr_sensor_type = 0 BEGIN
  UPDATE pose_priors SET IMAGE_ID = NEW.corr_data_id WHERE pose_prior_id = NEW.pose_prior_id;
END;
PRAGMA user_version = 3800;
)";

// The foreign keys make COLMAP's own deletions (database_cleaner, a re-matched pair) take our rows with them,
// so that provenance never speaks of rows another program wrote later.
constexpr char kPrivateTables[] = R"(
CREATE TABLE IF NOT EXISTS colmatch_meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS colmatch_images (image_id INTEGER PRIMARY KEY NOT NULL, provenance TEXT NOT NULL,
  scores BLOB, FOREIGN KEY(image_id) REFERENCES keypoints(image_id) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS colmatch_pairs (pair_id INTEGER PRIMARY KEY NOT NULL, provenance TEXT NOT NULL,
  scores BLOB, FOREIGN KEY(pair_id) REFERENCES matches(pair_id) ON DELETE CASCADE);
INSERT OR IGNORE INTO colmatch_meta (key, value) VALUES ('format_version', '1');
)";

struct TableSpec {
  std::vector<std::string> required;
  std::set<std::string> optional;
};

// Every column of COLMAP 3.8 to 4.2 in the tables that colmatch inserts into.
const std::map<std::string, TableSpec>& KnownTables() {
  static const std::map<std::string, TableSpec> tables = {
      {"cameras", {{"camera_id", "model", "width", "height", "params", "prior_focal_length"}, {}}},
      {"images",
       {{"image_id", "name", "camera_id"},
        {"prior_qw", "prior_qx", "prior_qy", "prior_qz", "prior_tx", "prior_ty", "prior_tz"}}},
      {"keypoints", {{"image_id", "rows", "cols", "data"}, {}}},
      {"descriptors", {{"image_id", "rows", "cols", "data"}, {"type"}}},
      {"matches", {{"pair_id", "rows", "cols", "data"}, {}}},
      {"two_view_geometries",
       {{"pair_id", "rows", "cols", "data", "config"},
        {"F", "E", "H", "qvec", "tvec", "camera1", "camera2"}}},
  };
  return tables;
}

const std::map<std::string, TableSpec>& KnownOptionalTables() {
  static const std::map<std::string, TableSpec> tables = {
      {"rigs", {{"rig_id", "ref_sensor_id", "ref_sensor_type"}, {}}},
      {"rig_sensors", {{"rig_id", "sensor_id", "sensor_type"}, {"sensor_from_rig"}}},
      {"frames", {{"frame_id", "rig_id"}, {}}},
      {"frame_data", {{"frame_id", "data_id", "sensor_id", "sensor_type"}, {}}},
      {"pose_priors",
       {{"position", "coordinate_system"},
        {"image_id", "IMAGE_ID", "pose_prior_id", "corr_data_id", "corr_sensor_id", "corr_sensor_type",
         "position_covariance", "gravity"}}},
  };
  return tables;
}

std::set<std::string> TableNames(Connection& connection) {
  std::set<std::string> names;
  Statement statement(connection, "SELECT name FROM sqlite_master WHERE type = 'table'");
  while (statement.Step()) names.insert(statement.Text(0));
  return names;
}

// Column names; throws if a column that is not known has to be given a value.
std::set<std::string> Columns(Connection& connection, const std::string& table, const TableSpec& spec) {
  std::set<std::string> columns;
  // table is one of the literals above, never a name from the file.
  Statement statement(connection, "PRAGMA table_info(" + table + ")");
  while (statement.Step()) {
    const std::string name = statement.Text(1);
    const bool must_be_given = statement.Int64(3) != 0 && statement.IsNull(4);
    bool known = spec.optional.count(name) != 0;
    for (const auto& required : spec.required) known = known || name == required;
    if (!known && must_be_given) {
      throw EnvironmentError(
          "the database " + connection.path() + " has a column " + table + "." + name +
          " that this colmatch does not know and must not leave empty; it was left as it is. A "
          "newer COLMAP made it: use a newer colmatch");
    }
    columns.insert(name);
  }
  for (const auto& required : spec.required) {
    if (columns.count(required) == 0) {
      throw EnvironmentError(connection.path() + " is not a COLMAP database: its table " + table +
                             " has no column " + required + "; it was left as it is, give another path");
    }
  }
  return columns;
}

void CheckPrivateFormat(Connection& connection) {
  Statement statement(connection, "SELECT value FROM colmatch_meta WHERE key = 'format_version'");
  const std::string version = statement.Step() ? statement.Text(0) : "(none)";
  if (version == std::to_string(kPrivateFormatVersion)) return;
  throw EnvironmentError("the tables colmatch_* of " + connection.path() + " have format " + version +
                         ", this colmatch knows " + std::to_string(kPrivateFormatVersion) +
                         "; use the colmatch that made them, or a newer one");
}

PosePriorTable PosePriorStyle(const std::set<std::string>& columns) {
  if (columns.count("image_id") != 0) return PosePriorTable::kByImage;
  if (columns.count("IMAGE_ID") != 0 && columns.count("corr_data_id") != 0) return PosePriorTable::kShared;
  if (columns.count("corr_data_id") != 0 && columns.count("gravity") != 0) return PosePriorTable::kByCorrId;
  return PosePriorTable::kNone;
}

}  // namespace

bool IsEmpty(Connection& connection) {
  return connection.QueryInt64("SELECT count(*) FROM sqlite_master") == 0 &&
         connection.QueryInt64("PRAGMA user_version") == 0 &&
         connection.QueryInt64("PRAGMA application_id") == 0;
}

void CreateDatabase(Connection& connection) {
  // Rows of a few kB (matches) and of megabytes (descriptors): 4 KiB pages would leave 40 % of the file
  // unused.
  connection.Execute("PRAGMA page_size = 16384");
  Transaction transaction(connection);
  if (!IsEmpty(connection)) return;
  connection.Execute(kColmapTables);
  connection.Execute(kPrivateTables);
  transaction.Commit();
  // Only now: it writes a header, and a process killed before this line shall leave an empty file.
  connection.Execute("PRAGMA journal_mode = WAL");
}

Dialect DetectDialect(Connection& connection) {
  const std::set<std::string> tables = TableNames(connection);
  if (tables.empty()) {
    throw EnvironmentError("the database " + connection.path() + " is empty; run feature_extractor first");
  }
  std::map<std::string, std::set<std::string>> columns;
  for (const auto& [table, spec] : KnownTables()) {
    if (tables.count(table) == 0) {
      throw EnvironmentError(connection.path() +
                             " is an SQLite database, but not COLMAP's: it has no table " + table +
                             "; it was left as it is, give another path");
    }
    columns[table] = Columns(connection, table, spec);
  }
  for (const auto& [table, spec] : KnownOptionalTables()) {
    if (tables.count(table) != 0) columns[table] = Columns(connection, table, spec);
  }
  const auto has = [&columns](const char* table, const char* column) {
    return columns[table].count(column) != 0;
  };

  Dialect dialect;
  dialect.image_priors = has("images", "prior_tx") && has("images", "prior_ty") && has("images", "prior_tz");
  dialect.descriptor_type = has("descriptors", "type");
  dialect.two_view_matrices =
      has("two_view_geometries", "F") && has("two_view_geometries", "E") && has("two_view_geometries", "H");
  dialect.two_view_pose = has("two_view_geometries", "qvec") && has("two_view_geometries", "tvec");
  dialect.frame_tables = tables.count("rigs") != 0 && tables.count("rig_sensors") != 0 &&
                         tables.count("frames") != 0 && tables.count("frame_data") != 0;
  dialect.pose_priors = PosePriorStyle(columns["pose_priors"]);
  dialect.prior_covariance = has("pose_priors", "position_covariance");
  dialect.private_tables = tables.count("colmatch_meta") != 0 && tables.count("colmatch_images") != 0 &&
                           tables.count("colmatch_pairs") != 0;
  if (tables.count("colmatch_meta") != 0) CheckPrivateFormat(connection);
  return dialect;
}

void CreatePrivateTables(Connection& connection) {
  Transaction transaction(connection);
  connection.Execute(kPrivateTables);
  transaction.Commit();
}

}  // namespace colmatch
