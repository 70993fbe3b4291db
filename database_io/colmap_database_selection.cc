// What pairs are chosen by: positions, rigs, and the pairs that are verified.
#include "database_io/atomic.h"
#include "database_io/colmap_database.h"
#include "database_io/frames.h"
#include "database_io/pose_priors.h"

namespace colmatch {

std::optional<PositionPrior> ColmapDatabase::ReadPositionPrior(image_t image_id) {
  return colmatch::ReadPositionPrior(connection_, dialect_, image_id);
}

std::vector<std::vector<image_t>> ColmapDatabase::SharedFrames() {
  if (!dialect_.frame_tables) return {};
  return ReadSharedFrames(connection_);
}

std::vector<std::pair<image_t, image_t>> ColmapDatabase::ReadPairs(const char* sql) {
  std::vector<std::pair<image_t, image_t>> pairs;
  Statement statement(connection_, sql);
  while (statement.Step()) pairs.push_back(PairFromId(static_cast<image_pair_t>(statement.Int64(0))));
  return pairs;
}

std::vector<std::pair<image_t, image_t>> ColmapDatabase::VerifiedPairs() {
  return ReadPairs("SELECT pair_id FROM two_view_geometries WHERE rows > 0 ORDER BY pair_id");
}

void ColmapDatabase::KeepVerifiedPairs() {
  Atomic atomic(connection_);
  connection_.Execute("DROP TABLE IF EXISTS colmatch_transitive");
  connection_.Execute("CREATE TABLE colmatch_transitive (pair_id INTEGER PRIMARY KEY NOT NULL)");
  connection_.Execute(
      "INSERT INTO colmatch_transitive SELECT pair_id FROM two_view_geometries WHERE rows > 0");
  atomic.Commit();
}

std::optional<std::vector<std::pair<image_t, image_t>>> ColmapDatabase::KeptPairs() {
  if (connection_.QueryInt64("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = "
                             "'colmatch_transitive'") == 0) {
    return std::nullopt;
  }
  return ReadPairs("SELECT pair_id FROM colmatch_transitive ORDER BY pair_id");
}

void ColmapDatabase::DropKeptPairs() { connection_.Execute("DROP TABLE IF EXISTS colmatch_transitive"); }

}  // namespace colmatch
