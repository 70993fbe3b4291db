// Rigs and frames (COLMAP 3.12 and later).
#include "database_io/frames.h"

#include <optional>

namespace colmatch {
namespace {

constexpr int kSensorTypeCamera = 0;  // colmap/sensor/rig.h: SensorType::CAMERA

int64_t FindOrAddRig(Connection& connection, camera_t camera_id) {
  {
    Statement statement(connection,
                        "SELECT rig_id FROM rigs WHERE ref_sensor_id = ?1 AND ref_sensor_type = ?2 UNION ALL "
                        "SELECT rig_id FROM rig_sensors WHERE sensor_id = ?1 AND sensor_type = ?2");
    statement.BindInt64(1, camera_id).BindInt64(2, kSensorTypeCamera);
    if (statement.Step()) return statement.Int64(0);
  }
  Statement insert(connection, "INSERT INTO rigs (ref_sensor_id, ref_sensor_type) VALUES (?1, ?2)");
  insert.BindInt64(1, camera_id).BindInt64(2, kSensorTypeCamera).Run();
  return connection.LastInsertId();
}

}  // namespace

bool NewImagesNeedFrames(Connection& connection) {
  return connection.QueryInt64("SELECT EXISTS(SELECT 1 FROM frames) OR NOT EXISTS(SELECT 1 FROM images)") !=
         0;
}

void AddFrame(Connection& connection, image_t image_id, camera_t camera_id) {
  const int64_t rig_id = FindOrAddRig(connection, camera_id);
  Statement frame(connection, "INSERT INTO frames (rig_id) VALUES (?1)");
  frame.BindInt64(1, rig_id).Run();
  const int64_t frame_id = connection.LastInsertId();
  Statement data(
      connection,
      "INSERT INTO frame_data (frame_id, data_id, sensor_id, sensor_type) VALUES (?1, ?2, ?3, ?4)");
  data.BindInt64(1, frame_id)
      .BindInt64(2, image_id)
      .BindInt64(3, camera_id)
      .BindInt64(4, kSensorTypeCamera)
      .Run();
}

std::vector<image_t> ImagesMissingFrames(Connection& connection) {
  std::vector<image_t> missing;
  Statement statement(
      connection,
      "SELECT image_id FROM images WHERE EXISTS(SELECT 1 FROM frames) AND NOT EXISTS(SELECT 1 FROM "
      "frame_data WHERE data_id = image_id AND sensor_type = ?1) ORDER BY image_id");
  statement.BindInt64(1, kSensorTypeCamera);
  while (statement.Step()) missing.push_back(static_cast<image_t>(statement.Int64(0)));
  return missing;
}

std::vector<std::vector<image_t>> ReadSharedFrames(Connection& connection) {
  std::vector<std::vector<image_t>> frames;
  Statement statement(connection,
                      "SELECT frame_id, data_id FROM frame_data JOIN images ON data_id = image_id WHERE "
                      "sensor_type = ?1 AND frame_id IN (SELECT frame_id FROM frame_data WHERE sensor_type = "
                      "?1 GROUP BY frame_id HAVING count(*) > 1) ORDER BY frame_id, data_id");
  statement.BindInt64(1, kSensorTypeCamera);
  std::optional<int64_t> current;
  while (statement.Step()) {
    if (current != statement.Int64(0)) frames.emplace_back();
    current = statement.Int64(0);
    frames.back().push_back(static_cast<image_t>(statement.Int64(1)));
  }
  return frames;
}

}  // namespace colmatch
