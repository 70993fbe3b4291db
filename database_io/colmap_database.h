// Access to COLMAP's database: cameras, images, features, matches, two-view geometries, and the provenance of
// features and matches.
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
  kCreateOrOpen,  // A missing file, or one of zero bytes, becomes a new database.
  kOpenExisting,  // Opens an existing file for reading and writing.
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

// COLMAP 3.8 to 4.x can all open a new file. An existing file keeps its schema (docs/database_format.md).
//
// Errors: EnvironmentError if the file itself cannot be used (locked, read-only, damaged, foreign, disk
// full); InputError if one row or value is invalid (the error names table and row; nothing has been written).
// Existing rows are not overwritten: delete them first. Every writing call is atomic; several calls are
// atomic inside one Transaction. Coordinates of keypoints, match indices and ids are COLMAP's, see types.h.
// Not thread-safe.
class ColmapDatabase {
 public:
  // In a writing mode, the constructor adds missing colmatch_* tables, and therefore detects a locked file at
  // once.
  ColmapDatabase(const std::string& path, DatabaseMode mode, const ConnectionOptions& options = {});
  ~ColmapDatabase();

  // Call this before long computations: throws EnvironmentError if writing would fail (locked, read-only).
  void CheckWritable() { connection_.CheckWritable(); }

  // Everything written until Commit() is stored together or not at all. The transaction must not outlive the
  // database.
  [[nodiscard]] Transaction BeginTransaction() { return Transaction(connection_); }

  const Dialect& dialect() const { return dialect_; }
  const std::string& path() const { return connection_.path(); }
  DatabaseCounts Counts();

  // --- cameras and images ---
  std::vector<Camera> Cameras();  // By camera_id.
  std::vector<Image> Images();    // By image_id.
  std::optional<Image> FindImage(const std::string& name);
  camera_t AddCamera(const Camera& camera);
  // Also writes the image's rig and frame if the schema has them.
  image_t AddImage(const Image& image);
  // Adds frames for images that COLMAP 3.8 added to a database with frames; returns their number. COLMAP 4's
  // mapper fails on a database without them, so commands that write call this function first.
  int CompleteFrames();

  // --- features ---
  bool HasKeypoints(image_t image_id);
  bool HasDescriptors(image_t image_id);
  // keypoints.cols must be 2, or 4 with scales; orientations are stored as 0.
  void WriteKeypoints(image_t image_id, const KeypointsBlob& keypoints);
  KeypointsBlob ReadKeypoints(image_t image_id);
  int64_t NumKeypoints(image_t image_id);  // Without reading them; 0 if there is no row.
  // Write a row even if there are no descriptors (rows = 0): without it `colmap feature_extractor` adds SIFT
  // descriptors.
  void WriteDescriptors(image_t image_id, const Descriptors& descriptors);
  // Whether the descriptors have the format of colmatch's descriptors.
  bool HasColmatchDescriptors(image_t image_id);
  // Throws InputError if they are not colmatch's float descriptors but, for example, SIFT's.
  Descriptors ReadDescriptors(image_t image_id);
  // Call this after WriteKeypoints; it replaces an existing row. `scores` has one score per keypoint, or
  // none. If the keypoints row is deleted, also by COLMAP, this row is deleted too.
  void WriteImageProvenance(image_t image_id, const std::string& provenance,
                            const std::vector<float>& scores);
  std::optional<Provenance> ReadImageProvenance(image_t image_id);
  // The provenance of the features of any one image; nullopt if colmatch made no features.
  std::optional<std::string> AnyImageProvenance();
  // Deletes keypoints, descriptors, provenance, and all pairs of the image, because their keypoint indices
  // become invalid.
  void DeleteFeatures(image_t image_id);
  // Deletes only the pairs of the image; returns their number.
  int64_t DeletePairsOf(image_t image_id);
  // A short hash of the image's keypoints and scores, which changes when they change; "none" without
  // keypoints.
  std::string FeatureCode(image_t image_id);

  // --- pairs: ids in either order; columns, matrices and pose refer to (image_id1, image_id2) ---
  bool HasMatches(image_t image_id1, image_t image_id2);
  void WriteMatches(image_t image_id1, image_t image_id2, const Matches& matches);
  Matches ReadMatches(image_t image_id1, image_t image_id2);
  bool HasTwoViewGeometry(image_t image_id1, image_t image_id2);
  void WriteTwoViewGeometry(image_t image_id1, image_t image_id2, const TwoViewGeometry& geometry);
  TwoViewGeometry ReadTwoViewGeometry(image_t image_id1, image_t image_id2);
  void DeleteTwoViewGeometry(image_t image_id1, image_t image_id2);
  void DeletePair(image_t image_id1, image_t image_id2);  // Matches, geometry and provenance.
  // Call this after WriteMatches; it replaces an existing row. `confidences` has one value per match, in the
  // order of the matches, or none. The feature codes of both images are stored with the text. If they differ
  // from the current codes when the row is read, the pair is outdated.
  void WritePairProvenance(image_t image_id1, image_t image_id2, const std::string& provenance,
                           const std::vector<float>& confidences);
  std::optional<Provenance> ReadPairProvenance(image_t image_id1, image_t image_id2);
  // The provenance of the matches of any one pair; nullopt if colmatch made no matches.
  std::optional<std::string> AnyPairProvenance();
  std::vector<std::pair<image_t, image_t>>
  AllMatchedPairs();  // Rows of matches, by pair id; smaller id first.

  // --- inputs of pair selection ---
  std::optional<PositionPrior> ReadPositionPrior(image_t image_id);
  // The images of each frame with more than one image (rigs, COLMAP 3.12 and later); empty for older schemas.
  std::vector<std::vector<image_t>> SharedFrames();
  // Two-view geometries with inliers, by pair id; smaller id first.
  std::vector<std::pair<image_t, image_t>> VerifiedPairs();
  // Stores the currently verified pairs in the file until DropKeptPairs(): an interrupted transitive_matcher
  // then continues from the pairs it started with. Replaces pairs stored before.
  void KeepVerifiedPairs();
  std::optional<std::vector<std::pair<image_t, image_t>>> KeptPairs();  // nullopt: none are kept
  void DropKeptPairs();

  // --- colmatch's notes about the whole file ---
  std::optional<std::string> ReadMeta(const std::string& key);
  void WriteMeta(const std::string& key, const std::string& value);

 private:
  bool Exists(const char* sql, int64_t id);
  // Throws InputError if the image does not exist. Returns its number of keypoints, or -1 without a keypoints
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
  std::unordered_map<image_t, std::string> feature_codes_;  // cache of FeatureCode
};

}  // namespace colmatch
