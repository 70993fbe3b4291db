// Contradictions in a database; see inconsistent_pairs.h.
#include "plugin/reconstruction/inconsistent_pairs.h"

#include "database_io/colmap_database.h"
#include "database_io/merge_databases.h"
#include "plugin/extraction/database_options.h"
#include "plugin/matching/pair_rotations.h"

namespace colmatch {

namespace fs = std::filesystem;

std::vector<ReportContradiction> FindContradictions(const std::string& database_path,
                                                    const CommonOptions& common) {
  ColmapDatabase database(database_path, DatabaseMode::kReadOnly, ConnectionOptionsOf(common));
  const std::vector<Image> images = database.Images();
  std::vector<ReportContradiction> found;
  for (const auto& [i, j, off_deg] :
       FindInconsistentPairs(static_cast<int>(images.size()), RotationsOfPairs(database, images))) {
    const auto inliers =
        database.ReadTwoViewGeometry(images[i].image_id, images[j].image_id).inlier_matches.size();
    found.push_back({i, j, static_cast<int>(inliers), off_deg, false});
  }
  return found;
}

void CopyWithout(const std::vector<ReportContradiction>& pairs, const std::string& database_path,
                 const fs::path& copy, const CommonOptions& common) {
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy.string() + suffix, error);
  CopyDatabase(database_path, copy.string(), ConnectionOptionsOf(common));
  ColmapDatabase database(copy.string(), DatabaseMode::kOpenExisting, ConnectionOptionsOf(common));
  const std::vector<Image> images = database.Images();
  auto transaction = database.BeginTransaction();
  for (const ReportContradiction& pair : pairs)
    database.DeleteTwoViewGeometry(images[static_cast<size_t>(pair.i)].image_id,
                                   images[static_cast<size_t>(pair.j)].image_id);
  transaction.Commit();
}

}  // namespace colmatch
