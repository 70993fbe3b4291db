// Where an image was taken (GPS) and which way is down, in the place the file's COLMAP version looks for it.
#include "database_io/pose_priors.h"

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "database_io/blob.h"

namespace colmatch {
namespace {

// colmap/geometry/pose_prior.h: CoordinateSystem
constexpr int kUndefined = -1;
constexpr int kWgs84 = 0;
constexpr int kCartesian = 1;

constexpr int kSensorTypeCamera = 0;  // colmap/sensor/rig.h

// COLMAP's word for "not known" in these blobs.
std::string NotANumbers(size_t count) {
  const std::vector<double> values(count, std::numeric_limits<double>::quiet_NaN());
  return EncodeDoubles(values.data(), count);
}

std::optional<PositionPrior> Known(PositionPrior::System system, const std::vector<double>& values) {
  if (!std::isfinite(values[0]) || !std::isfinite(values[1])) return std::nullopt;
  return PositionPrior{system, {values[0], values[1], values[2]}};
}

// Whole or not at all: COLMAP 4 writes no position of which a part is not known.
std::string PositionBlob(const std::optional<GeoPosition>& position) {
  if (!position) return NotANumbers(3);
  const std::array<double, 3> values = {position->latitude_deg, position->longitude_deg,
                                        position->altitude_m};
  return EncodeDoubles(values.data(), values.size());
}

void WriteRowByImage(Connection& connection, const Dialect& dialect, image_t image_id,
                     const GeoPosition& position) {
  Statement statement(connection,
                      dialect.prior_covariance
                          ? "INSERT INTO pose_priors (image_id, position, coordinate_system, "
                            "position_covariance) VALUES (?1, ?2, ?3, ?4)"
                          : "INSERT INTO pose_priors (image_id, position, coordinate_system) VALUES "
                            "(?1, ?2, ?3)");
  statement.BindInt64(1, image_id).BindBlob(2, PositionBlob(position)).BindInt64(3, kWgs84);
  if (dialect.prior_covariance) statement.BindBlob(4, NotANumbers(9));
  statement.Run();
}

void WriteRowByCorrId(Connection& connection, image_t image_id, const Image& image,
                      const std::optional<GeoPosition>& position) {
  Statement statement(connection,
                      "INSERT INTO pose_priors (corr_data_id, corr_sensor_id, corr_sensor_type, position, "
                      "position_covariance, gravity, coordinate_system) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  statement.BindInt64(1, image_id).BindInt64(2, image.camera_id).BindInt64(3, kSensorTypeCamera);
  statement.BindBlob(4, PositionBlob(position)).BindBlob(5, NotANumbers(9));
  statement.BindBlob(
      6, image.gravity ? EncodeDoubles(image.gravity->data(), image.gravity->size()) : NotANumbers(3));
  statement.BindInt64(7, position ? kWgs84 : kUndefined);
  statement.Run();  // In a shared table a trigger gives the row its IMAGE_ID.
}

}  // namespace

void WritePosePriors(Connection& connection, const Dialect& dialect, image_t image_id, const Image& image) {
  const auto& position = image.prior_position;
  if (dialect.image_priors && position) {
    Statement statement(connection,
                        "UPDATE images SET prior_tx = ?2, prior_ty = ?3, prior_tz = ?4 WHERE image_id = ?1");
    statement.BindInt64(1, image_id)
        .BindDouble(2, position->latitude_deg)
        .BindDouble(3, position->longitude_deg)
        .BindDouble(4, position->altitude_m);  // NULL where it is NaN, as COLMAP's own
    statement.Run();
  }
  const auto whole = position && position->IsWhole() ? position : std::nullopt;
  if (dialect.pose_priors == PosePriorTable::kByImage && whole) {
    WriteRowByImage(connection, dialect, image_id, *whole);
  }
  const bool has_corr_id =
      dialect.pose_priors == PosePriorTable::kByCorrId || dialect.pose_priors == PosePriorTable::kShared;
  if (has_corr_id && (whole || image.gravity)) WriteRowByCorrId(connection, image_id, image, whole);
}

std::optional<PositionPrior> ReadPositionPrior(Connection& connection, const Dialect& dialect,
                                               image_t image_id) {
  if (dialect.pose_priors != PosePriorTable::kNone) {
    Statement statement(connection,
                        dialect.pose_priors == PosePriorTable::kByImage
                            ? "SELECT position, coordinate_system FROM pose_priors WHERE image_id = ?1"
                            : "SELECT position, coordinate_system FROM pose_priors WHERE corr_data_id = "
                              "?1 AND corr_sensor_type = 0");
    statement.BindInt64(1, image_id);
    if (statement.Step() && !statement.IsNull(0)) {
      const auto values = DecodeDoubles({"pose_priors", image_id}, "position", statement.Blob(0), 3);
      const int64_t system = statement.Int64(1);
      std::optional<PositionPrior> known;
      if (system == kWgs84) known = Known(PositionPrior::System::kWgs84, values);
      // COLMAP 4 takes an undefined system as cartesian.
      if (system == kCartesian || system == kUndefined)
        known = Known(PositionPrior::System::kCartesian, values);
      if (known) return known;
    }
  }
  if (!dialect.image_priors) return std::nullopt;
  Statement statement(connection, "SELECT prior_tx, prior_ty, prior_tz FROM images WHERE image_id = ?1");
  statement.BindInt64(1, image_id);
  if (!statement.Step() || statement.IsNull(0) || statement.IsNull(1)) return std::nullopt;
  const double z = statement.IsNull(2) ? std::numeric_limits<double>::quiet_NaN() : statement.Double(2);
  return Known(PositionPrior::System::kNotStated, {statement.Double(0), statement.Double(1), z});
}

std::optional<GeoPosition> ReadPriorPosition(Connection& connection, const Dialect& dialect,
                                             image_t image_id) {
  const auto prior = ReadPositionPrior(connection, dialect, image_id);
  if (!prior || prior->system == PositionPrior::System::kCartesian || !std::isfinite(prior->position[2]))
    return std::nullopt;
  return GeoPosition{prior->position[0], prior->position[1], prior->position[2]};
}

}  // namespace colmatch
