// COLMAP's database as colmatch uses it: cameras, images, features, matches, two-view geometries, and what
// made them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "database_io/blob.h"
#include "database_io/schema.h"
#include "database_io/sqlite.h"
#include "util/colmap_types.h"

namespace colmatch {

enum class DatabaseMode {
  kCreateOrOpen,  // A missing file or one of zero bytes becomes a new database.
  kOpenExisting,  // To read and write.
  kReadOnly,
};

// How many rows each table has.
struct DatabaseCounts {
  int64_t cameras = 0;
  int64_t images = 0;
  int64_t images_with_keypoints = 0;
  int64_t images_with_descriptors = 0;
  int64_t keypoints = 0;            // over all images
  int64_t matched_pairs = 0;        // rows of matches, empty ones included
  int64_t two_view_geometries = 0;  // rows, empty ones included
  int64_t verified_pairs = 0;       // two-view geometries with at least one inlier
};

// A new file is one that COLMAP 3.8 to 4.x all open; an existing one keeps the form it has
// (docs/database_format.md).
//
// Errors: EnvironmentError if the file is in the way (locked, read-only, damaged, foreign, disk full);
// InputError if one row or one value is (names table and row; nothing has been written). Rows that exist are
// not overwritten: delete them first. Every writing call is atomic by itself; several are atomic inside one
// Transaction. Keypoint and match coordinates and ids are COLMAP's, see types.h. One thread at a time.
class ColmapDatabase {
 public:
  // Opening in a writing mode adds the colmatch_* tables if they are missing, and so finds a locked file at
  // once.
  ColmapDatabase(const std::string& path, DatabaseMode mode, const ConnectionOptions& options = {});
  ~ColmapDatabase();

  // For before the long work starts: throws EnvironmentError if writing would fail (locked, read-only).
  void CheckWritable() { connection_.CheckWritable(); }

  // Everything written until Commit() is there together or not at all. Must not outlive the database.
  [[nodiscard]] Transaction BeginTransaction() { return Transaction(connection_); }

  const Dialect& dialect() const { return dialect_; }
  const std::string& path() const { return connection_.path(); }
  DatabaseCounts Counts();

  // --- cameras and images ---
  std::vector<Camera> Cameras();  // By camera_id.
  std::vector<Image> Images();    // By image_id.
  std::optional<Image> FindImage(const std::string& name);
  camera_t AddCamera(const Camera& camera);
  // Also writes the image's rig and frame where the file has them.
  image_t AddImage(const Image& image);
  // Gives frames to images that COLMAP 3.8 added to a file with frames; returns how many. COLMAP 4's mapper
  // stops on such a file, so commands that write call this first.
  int CompleteFrames();

  // --- features ---
  bool HasKeypoints(image_t image_id);
  bool HasDescriptors(image_t image_id);
  // keypoints.cols must be 2, or 4 with scales; orientations are written as 0.
  void WriteKeypoints(image_t image_id, const KeypointsBlob& keypoints);
  KeypointsBlob ReadKeypoints(image_t image_id);
  int64_t NumKeypoints(image_t image_id);  // Without reading them; 0 if there is no row.
  // A row is due even if it holds no descriptors (rows = 0): without it `colmap feature_extractor` adds
  // SIFT's.
  void WriteDescriptors(image_t image_id, const Descriptors& descriptors);
  // Whether there are descriptors that colmatch may have made, by their form.
  bool HasColmatchDescriptors(image_t image_id);
  // InputError if they are not float descriptors of colmatch's but, say, SIFT's.
  Descriptors ReadDescriptors(image_t image_id);
  // After the keypoints; replaces what was there. One score per keypoint, or none. Deleting the keypoints
  // row, also by COLMAP, deletes this row.
  void WriteImageProvenance(image_t image_id, const std::string& provenance,
                            const std::vector<float>& scores);
  std::optional<Provenance> ReadImageProvenance(image_t image_id);
  // What made the features of some image; nullopt: colmatch made none.
  std::optional<std::string> AnyImageProvenance();
  // Keypoints, descriptors, provenance, and all pairs of the image, whose indices would mean nothing any
  // more.
  void DeleteFeatures(image_t image_id);
  // The pairs alone; returns how many there were.
  int64_t DeletePairsOf(image_t image_id);
  // A short code of the image's keypoints and scores, other for other features; "none" without keypoints.
  std::string FeatureCode(image_t image_id);

  // --- pairs: ids in either order; columns, matrices and pose are those of (image_id1, image_id2) ---
  bool HasMatches(image_t image_id1, image_t image_id2);
  void WriteMatches(image_t image_id1, image_t image_id2, const Matches& matches);
  Matches ReadMatches(image_t image_id1, image_t image_id2);
  bool HasTwoViewGeometry(image_t image_id1, image_t image_id2);
  void WriteTwoViewGeometry(image_t image_id1, image_t image_id2, const TwoViewGeometry& geometry);
  TwoViewGeometry ReadTwoViewGeometry(image_t image_id1, image_t image_id2);
  void DeleteTwoViewGeometry(image_t image_id1, image_t image_id2);
  void DeletePair(image_t image_id1, image_t image_id2);  // Matches, geometry and provenance.
  // After the matches; replaces what was there. One confidence per match, in their order, or none. The codes
  // of both images' features are noted beside the text: where they are others when it is read, it is
  // outdated.
  void WritePairProvenance(image_t image_id1, image_t image_id2, const std::string& provenance,
                           const std::vector<float>& confidences);
  std::optional<Provenance> ReadPairProvenance(image_t image_id1, image_t image_id2);
  // What made the matches of some pair; nullopt: colmatch made none.
  std::optional<std::string> AnyPairProvenance();
  std::vector<std::pair<image_t, image_t>>
  AllMatchedPairs();  // Rows of matches, by pair id; smaller id first.

  // --- what pairs are chosen by ---
  std::optional<PositionPrior> ReadPositionPrior(image_t image_id);
  // The images of each frame that has more than one (rigs, COLMAP 3.12 and later); none in older files.
  std::vector<std::vector<image_t>> SharedFrames();
  // Two-view geometries with inliers, by pair id; smaller id first.
  std::vector<std::pair<image_t, image_t>> VerifiedPairs();
  // The verified pairs of one moment, which stay in the file until they are dropped: an interrupted
  // transitive_matcher finds there what it began with. Keeping replaces what was kept.
  void KeepVerifiedPairs();
  std::optional<std::vector<std::pair<image_t, image_t>>> KeptPairs();  // nullopt: none are kept
  void DropKeptPairs();

  // --- notes of colmatch about the whole file ---
  std::optional<std::string> ReadMeta(const std::string& key);
  void WriteMeta(const std::string& key, const std::string& value);

 private:
  bool Exists(const char* sql, int64_t id);
  // Throws InputError if the image is not there. Returns its number of keypoints, or -1 without a keypoints
  // row.
  int64_t RequireImage(image_t image_id);
  void RequireMatchesInRange(const Matches& matches, image_t image_id1, image_t image_id2);
  void WriteProvenance(const char* sql, int64_t id, const std::string& provenance,
                       const std::vector<float>& scores);
  std::optional<Provenance> ReadProvenance(const char* sql, const RowName& row);
  std::optional<std::string> FirstText(const char* sql);
  std::vector<std::pair<image_t, image_t>> ReadPairs(const char* sql);
  bool DescriptorsAreOurs(image_t image_id, int64_t cols, std::optional<int64_t> type);

  Connection connection_;
  Dialect dialect_;
  std::unordered_map<image_t, std::string> feature_codes_;  // that were computed
};

}  // namespace colmatch
