// COLMAP 4 (pycolmap) as judge: it reads back what we wrote, loads it for its mapper, and we follow its own
// files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "database_io/two_view_geometry.h"
#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using nlohmann::json;

class PycolmapJudge : public testing::Test {
 protected:
  void SetUp() override {
    const char* python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap 4";
    python_ = python;
    ASSERT_EQ(
        RunCommand("'" + python_ + "' -c 'import pycolmap; assert pycolmap.__version__[0] == \"4\"'", Log()),
        0)
        << ReadBytes(Log());
  }
  std::string Log() const { return folder_.File("log.txt"); }
  int Judge(const std::string& command, const std::string& path, const std::string& more = "") const {
    return RunCommand("'" + python_ + "' '" COLMATCH_SOURCE_DIR "/tests/database_io/pycolmap_judge.py' " +
                          command + " '" + path + "' " + more,
                      Log());
  }
  // What it reads in a copy: opening changes the file.
  json Read(const std::string& path) const {
    const std::string copy = folder_.File("copy.db");
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    EXPECT_EQ(Judge("read", copy), 0) << ReadBytes(Log());
    const std::string output = ReadBytes(Log());
    const size_t start = output.find("JSON{");
    if (start == std::string::npos) return json::object();
    return json::parse(output.substr(start + 4, output.find('\n', start) - start - 4));
  }

  TemporaryFolder folder_;
  std::string python_;
};

std::string Bytes(const json& numbers) {
  std::string bytes;
  for (const auto& number : numbers) bytes += static_cast<char>(number.get<int>());
  return bytes;
}

std::vector<uint32_t> Flat(const Matches& matches) {
  std::vector<uint32_t> flat;
  for (const auto& match : matches) flat.insert(flat.end(), match.begin(), match.end());
  return flat;
}

template <size_t N>
void ExpectNear(const json& found, const std::array<double, N>& expected) {
  ASSERT_EQ(found.size(), N);
  for (size_t i = 0; i < N; ++i) EXPECT_NEAR(found[i].get<double>(), expected[i], 1e-12) << i;
}

void ExpectSame(const json& found, const TwoViewGeometry& expected) {
  EXPECT_EQ(found["config"], static_cast<int>(expected.config));
  EXPECT_EQ(found["inliers"].get<std::vector<uint32_t>>(), Flat(expected.inlier_matches));
  ExpectNear(found["F"], *expected.F);
  ExpectNear(found["E"], *expected.E);
  ExpectNear(found["H"], *expected.H);
  const auto& q = *expected.qvec;
  ExpectNear(found["quat_xyzw"], std::array<double, 4>{q[1], q[2], q[3], q[0]});
  ExpectNear(found["translation"], *expected.tvec);
}

void ExpectFilled(const json& found, size_t first_image) {
  ASSERT_EQ(found["images"].size(), first_image + 3);
  for (size_t i = 0; i < 3; ++i) {
    const json& image = found["images"][first_image + i];
    EXPECT_EQ(image["keypoints_shape"][0], 20);
    EXPECT_EQ(image["xy"].get<std::vector<float>>(), TestKeypoints(20, static_cast<float>(i + 1)).xy);
    EXPECT_EQ(image["descriptors_shape"], (json{20, 1024}));
    EXPECT_EQ(Bytes(image["descriptor_bytes"]), EncodeFloats(TestDescriptors(20, 256).values));
  }
  EXPECT_EQ(found["images"][first_image + 1]["name"], "sub/\xC3\xBC \xE5\x9B\xB3.jpg");
  ASSERT_EQ(found["pairs"].size(), 6u);  // Three pairs, each read in both directions.
  for (const json& pair : found["pairs"]) {
    const auto id1 = pair["ids"][0].get<image_t>(), id2 = pair["ids"][1].get<image_t>();
    EXPECT_EQ(pair["pair_id"].get<image_pair_t>(), PairId(id1, id2));
    Matches matches = TestMatches(20);
    TwoViewGeometry geometry = TestGeometry(18);
    if (ShouldSwap(id1, id2)) {
      for (auto& match : matches) std::swap(match[0], match[1]);
      geometry = Inverted(geometry);
    }
    EXPECT_EQ(pair["matches"].get<std::vector<uint32_t>>(), Flat(matches));
    ExpectSame(pair["geometry"], geometry);
  }
}

TEST_F(PycolmapJudge, ReadsANewFileAsItWasWritten) {
  const json found = Read(MakeFilledDatabase(folder_));
  ExpectFilled(found, 0);
  ASSERT_EQ(found["cameras"].size(), 1u);
  EXPECT_EQ(found["cameras"][0]["model"], TestCamera().model_id);
  EXPECT_EQ(found["cameras"][0]["params"].get<std::vector<double>>(), TestCamera().params);
  EXPECT_EQ(found["cameras"][0]["prior"], true);
  for (const json& image : found["images"]) {
    EXPECT_EQ(image["descriptors_type"], -1);
    EXPECT_EQ(image["has_frame"], true);
  }
  EXPECT_EQ(found["num_rigs"], 1);
  EXPECT_EQ(found["num_frames"], 3);
  EXPECT_EQ(found["num_cache_images"], 3);
}

TEST_F(PycolmapJudge, ReadsEmptyRows) {
  const std::string path = folder_.File("a.db");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    database.AddCamera(TestCamera());
    for (const char* name : {"a.jpg", "b.jpg"}) {
      const image_t image_id = database.AddImage({0, name, 1, {}});
      database.WriteKeypoints(image_id, {});
      database.WriteDescriptors(image_id, {0, 256, {}});
    }
    database.WriteMatches(1, 2, {});
    database.WriteTwoViewGeometry(1, 2, {});
  }
  const json found = Read(path);
  ASSERT_EQ(found["images"].size(), 2u);
  EXPECT_EQ(found["images"][0]["keypoints_shape"][0], 0);
  EXPECT_EQ(found["images"][0]["descriptors_shape"][0], 0);
  ASSERT_EQ(found["pairs"].size(), 2u);
  EXPECT_TRUE(found["pairs"][0]["matches"].empty());
  EXPECT_TRUE(found["pairs"][0]["geometry"]["F"].is_null());
  EXPECT_TRUE(found["pairs"][0]["geometry"]["quat_xyzw"].is_null());
}

TEST_F(PycolmapJudge, ItsOwnFileIsFollowedWithFramesAndPriors) {
  const std::string path = folder_.File("theirs.db");
  ASSERT_EQ(Judge("create", path), 0) << ReadBytes(Log());
  const std::string tables = Dump(path, "sqlite_master", "name,sql");
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    EXPECT_EQ(database.dialect().pose_priors, PosePriorTable::kByCorrId);
    FillDatabase(database);
  }
  EXPECT_EQ(Dump(path, "sqlite_master WHERE name NOT GLOB '*colmatch*'", "name,sql"), tables);
  const json found = Read(path);
  ExpectFilled(found, 1);
  EXPECT_EQ(found["num_frames"], 4);
  EXPECT_EQ(found["num_rigs"], 2);
  for (const json& image : found["images"]) EXPECT_EQ(image["has_frame"], true);
  ASSERT_EQ(found["pose_priors"].size(), 1u);
  EXPECT_EQ(found["pose_priors"][0], (json{{"image_id", 2},
                                           {"position", {48.5, 11.25, 512.0}},
                                           {"system", 0},
                                           {"gravity", {nullptr, nullptr, nullptr}}}));
}

TEST_F(PycolmapJudge, GravityIsWhereColmapFourLooksForItWithAndWithoutAPosition) {
  const std::string path = folder_.File("theirs.db");
  ASSERT_EQ(Judge("create", path), 0) << ReadBytes(Log());
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    Image turned{0, "turned.jpg", 1, {}, std::array<double, 3>{1, 0, 0}};
    database.AddImage(turned);
    turned.name = "turned_with_gps.jpg";
    turned.prior_position = GeoPosition{48.5, 11.25, 512.0};
    database.AddImage(turned);
  }
  const json priors = Read(path)["pose_priors"];
  ASSERT_EQ(priors.size(), 2u);
  EXPECT_EQ(priors[0], (json{{"image_id", 2},
                             {"position", {nullptr, nullptr, nullptr}},
                             {"system", -1},
                             {"gravity", {1.0, 0.0, 0.0}}}));
  EXPECT_EQ(priors[1]["position"], (json{48.5, 11.25, 512.0}));
  EXPECT_EQ(priors[1]["gravity"], (json{1.0, 0.0, 0.0}));
}

TEST_F(PycolmapJudge, FindsThePriorsAndGravityOfOurNewFile) {
  const std::string path = folder_.File("ours.db");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    const camera_t camera = database.AddCamera(TestCamera());
    database.AddImage(
        {0, "gps.jpg", camera, GeoPosition{48.5, 11.25, 512.0}, std::array<double, 3>{1, 0, 0}});
    database.AddImage({0, "turned.jpg", camera, {}, std::array<double, 3>{0, -1, 0}});
    database.AddImage({0, "neither.jpg", camera, {}});
  }
  const json priors = Read(path)["pose_priors"];
  ASSERT_EQ(priors.size(), 2u);
  EXPECT_EQ(priors[0]["position"], (json{48.5, 11.25, 512.0}));
  EXPECT_EQ(priors[0]["system"], 0);
  EXPECT_EQ(priors[0]["gravity"], (json{1.0, 0.0, 0.0}));
  EXPECT_EQ(priors[1]["position"], (json{nullptr, nullptr, nullptr}));
  EXPECT_EQ(priors[1]["gravity"], (json{0.0, -1.0, 0.0}));
  // It has opened the file, and what it found is still there, in the same columns.
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  EXPECT_EQ(database.dialect().pose_priors, PosePriorTable::kShared);
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pose_priors WHERE image_id = corr_data_id"), 2);
}

TEST_F(PycolmapJudge, AFramelessFileStaysFrameless) {
  const std::string path = folder_.File("old.db");
  Sql(path, kColmap38);
  Sql(path,
      "INSERT INTO cameras VALUES (1, 2, 640, 480, zeroblob(32), 0);"
      "INSERT INTO images (image_id, name, camera_id) VALUES (1, 'old.jpg', 1)");
  ASSERT_EQ(Judge("migrate", path), 0) << ReadBytes(Log());
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    EXPECT_TRUE(database.dialect().frame_tables && database.dialect().descriptor_type);
    FillDatabase(database);
    EXPECT_EQ(database.CompleteFrames(), 0);
    // COLMAP 4 has given no type to rows that are not there yet: ours say -1.
    EXPECT_EQ(database.ReadDescriptors(2).dim, 256);
  }
  const json found = Read(path);
  ExpectFilled(found, 1);
  EXPECT_EQ(found["num_frames"], 0);
}

TEST_F(PycolmapJudge, OurRowsInA38FileSurviveItsMigration) {
  const std::string path = folder_.File("old.db");
  Sql(path, kColmap38);
  { FillDatabase(*std::make_unique<ColmapDatabase>(path, DatabaseMode::kOpenExisting)); }
  ASSERT_EQ(Judge("migrate", path), 0) << ReadBytes(Log());
  ColmapDatabase database(path, DatabaseMode::kReadOnly);
  // It labels every older descriptor SIFT; our provenance knows better.
  EXPECT_EQ(SqlInt64(path, "SELECT max(type) FROM descriptors"), 0);
  EXPECT_EQ(database.ReadDescriptors(1).values, TestDescriptors(20, 256).values);
  EXPECT_TRUE(database.ReadPairProvenance(1, 2).has_value());
}

TEST_F(PycolmapJudge, AnImageItAddsToOurFileIsAdopted) {
  const std::string path = MakeFilledDatabase(folder_);
  std::filesystem::create_directory(folder_.File("photos"));
  std::string pixels;
  for (int i = 0; i < 96 * 128; ++i) {
    pixels += static_cast<char>((i % 128 / 16 + i / 128 / 16) % 2 * 150 + i * 7 % 60);
  }
  WriteBytes(folder_.File("photos/new.pgm"), "P5\n128 96\n255\n" + pixels);
  ASSERT_EQ(Judge("extract", path, "'" + folder_.File("photos") + "'"), 0) << ReadBytes(Log());
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    const auto image = database.FindImage("new.pgm");
    ASSERT_TRUE(image.has_value());
    EXPECT_EQ(database.CompleteFrames(), 0);  // It made the frame itself.
    EXPECT_GT(database.ReadKeypoints(image->image_id).rows, 0u);
    EXPECT_THROW(database.ReadDescriptors(image->image_id), InputError);  // SIFT's
    database.DeleteFeatures(image->image_id);
    database.WriteKeypoints(image->image_id, TestKeypoints(20));
    database.WriteDescriptors(image->image_id, TestDescriptors(20, 256));
    database.WriteMatches(image->image_id, 2, TestMatches(20));
    database.WriteTwoViewGeometry(image->image_id, 2, TestGeometry(18));
    database.AddImage({0, "ours.jpg", 1, {}});
    EXPECT_EQ(database.ReadKeypoints(1).xy, TestKeypoints(20, 1).xy);
  }
  const json found = Read(path);
  ASSERT_EQ(found["images"].size(), 5u);
  EXPECT_EQ(found["num_frames"], 5);
  EXPECT_EQ(found["pairs"].size(), 8u);
  for (const json& image : found["images"]) EXPECT_EQ(image["has_frame"], true);
}

TEST_F(PycolmapJudge, CompletedFramesLoadInItsMapper) {
  const std::string path = MakeFilledDatabase(folder_);
  Sql(path,
      "INSERT INTO images (name, camera_id) VALUES ('by_colmap_38.jpg', 1);"
      "INSERT INTO keypoints VALUES (4, 0, 2, NULL); INSERT INTO descriptors VALUES (4, 0, 1024, NULL, -1)");
  { EXPECT_EQ(ColmapDatabase(path, DatabaseMode::kOpenExisting).CompleteFrames(), 1); }
  const json found = Read(path);
  EXPECT_EQ(found["num_frames"], 4);
  for (const json& image : found["images"]) EXPECT_EQ(image["has_frame"], true);
}

TEST_F(PycolmapJudge, ClearingKeypointsTakesOurProvenanceWithIt) {
  const std::string path = MakeFilledDatabase(folder_);
  ASSERT_EQ(Judge("clear", path), 0) << ReadBytes(Log());
  ColmapDatabase database(path, DatabaseMode::kReadOnly);
  EXPECT_FALSE(database.HasKeypoints(1));
  EXPECT_FALSE(database.ReadImageProvenance(1).has_value());
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM colmatch_images"), 0);
}

}  // namespace
}  // namespace colmatch
