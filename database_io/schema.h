// The tables of COLMAP's database: making a new file, and finding out which COLMAP made an existing one.
// What every version's tables look like, and why a new file looks as it does: docs/database_format.md.
#pragma once

#include <cstdint>

#include "database_io/sqlite.h"

namespace colmatch {

// Format of the private tables, in colmatch_meta under "format_version".
inline constexpr int kPrivateFormatVersion = 1;

enum class PosePriorTable {
  kNone,      // 3.8, 3.9 and the files of colmatch before 0.2
  kByImage,   // 3.10 to 3.13: image_id, position, coordinate_system
  kByCorrId,  // 4.x: corr_data_id, corr_sensor_id, corr_sensor_type, position, ...
  kShared,    // Our own files: the columns of both, and each version finds its own.
};

// What distinguishes one version's file from another's, read from the columns. user_version says little:
// every COLMAP that opens a file overwrites it.
struct Dialect {
  bool image_priors = false;       // images.prior_tx, prior_ty, prior_tz
  bool descriptor_type = false;    // descriptors.type
  bool two_view_matrices = false;  // two_view_geometries.F, E, H
  bool two_view_pose = false;      // two_view_geometries.qvec, tvec
  bool frame_tables = false;       // rigs, rig_sensors, frames, frame_data
  bool prior_covariance = false;   // pose_priors.position_covariance
  PosePriorTable pose_priors = PosePriorTable::kNone;
  bool private_tables = false;  // colmatch_meta, colmatch_images, colmatch_pairs
};

// True for a file of zero bytes, and for a database in which nothing has been made.
bool IsEmpty(Connection& connection);

// Makes an empty database one that COLMAP 3.8 to 4.x all open, private tables included. One transaction: a
// process killed here leaves an empty file. Does nothing if another process was faster.
void CreateDatabase(Connection& connection);

// Throws EnvironmentError if the tables are not COLMAP's, if a newer COLMAP has columns that must be filled
// and are not known here, or if a newer colmatch made the private tables. Writes nothing.
Dialect DetectDialect(Connection& connection);

// Adds what is missing of the private tables, in a transaction of its own. COLMAP's tables are never altered.
void CreatePrivateTables(Connection& connection);

}  // namespace colmatch
