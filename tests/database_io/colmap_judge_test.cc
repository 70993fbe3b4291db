// Debian's COLMAP 3.8 as judge: it opens our files, finds nothing to do in them, and we follow its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

class ColmapJudge : public testing::Test {
 protected:
  void SetUp() override {
    if (RunCommand("colmap help", Log()) != 0) GTEST_SKIP() << "no colmap on PATH";
    if (ReadBytes(Log()).find("COLMAP 3.8") == std::string::npos)
      GTEST_SKIP() << "the colmap on PATH is not 3.8";
  }
  std::string Log() const { return folder_.File("log.txt"); }
  std::string Copy(const std::string& path) const {
    const std::string copy = folder_.File("copy.db");
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    return copy;
  }
  // Opens the file as COLMAP and prepares all of its statements.
  int Opens(const std::string& path) const {
    return RunCommand("colmap database_creator --database_path '" + path + "'", Log());
  }
  int Matches(const std::string& path) const {
    return RunCommand("colmap exhaustive_matcher --SiftMatching.use_gpu 0 --database_path '" + path + "'",
                      Log());
  }
  // One grey photo with something to detect.
  std::string MakePhotoFolder() const {
    std::filesystem::create_directory(folder_.File("photos"));
    std::string pixels;
    for (int y = 0; y < 96; ++y) {
      for (int x = 0; x < 128; ++x)
        pixels += static_cast<char>(((x / 16 + y / 16) % 2 * 150 + (x * y) % 60) & 0xff);
    }
    WriteBytes(folder_.File("photos/new.pgm"), "P5\n128 96\n255\n" + pixels);
    return folder_.File("photos");
  }

  TemporaryFolder folder_;
};

TEST_F(ColmapJudge, OpensANewFileAndLeavesItsRows) {
  const std::string path = MakeFilledDatabase(folder_);
  const std::string copy = Copy(path);
  ASSERT_EQ(Opens(copy), 0) << ReadBytes(Log());
  EXPECT_EQ(DumpFeaturesAndPairs(copy), DumpFeaturesAndPairs(path));
}

TEST_F(ColmapJudge, MatcherFindsNothingLeftToDo) {
  const std::string path = MakeFilledDatabase(folder_);
  const std::string copy = Copy(path);
  ASSERT_EQ(Matches(copy), 0) << ReadBytes(Log());
  EXPECT_EQ(DumpFeaturesAndPairs(copy), DumpFeaturesAndPairs(path));
}

TEST_F(ColmapJudge, MatcherVerifiesOurMatchesWhereGeometryIsMissing) {
  const std::string path = MakeFilledDatabase(folder_);
  ColmapDatabase(path, DatabaseMode::kOpenExisting).DeleteTwoViewGeometry(1, 2);
  const std::string copy = Copy(path);
  ASSERT_EQ(Matches(copy), 0) << ReadBytes(Log());
  ColmapDatabase database(copy, DatabaseMode::kReadOnly);
  EXPECT_TRUE(database.HasTwoViewGeometry(1, 2));
  EXPECT_NO_THROW(database.ReadTwoViewGeometry(1, 2));
  EXPECT_EQ(database.ReadMatches(1, 2), TestMatches(20));
}

TEST_F(ColmapJudge, ItsOwnFileIsFollowedAndStillOpens) {
  const std::string path = folder_.File("theirs.db");
  ASSERT_EQ(Opens(path), 0) << ReadBytes(Log());
  const std::string tables = Dump(path, "sqlite_master", "name,sql");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    EXPECT_FALSE(database.dialect().descriptor_type || database.dialect().frame_tables);
    EXPECT_TRUE(database.dialect().image_priors);
    FillDatabase(database);
  }
  EXPECT_EQ(Dump(path, "sqlite_master WHERE name NOT GLOB '*colmatch*'", "name,sql"), tables);
  const std::string copy = Copy(path);
  ASSERT_EQ(Opens(copy), 0) << ReadBytes(Log());
  ASSERT_EQ(Matches(copy), 0) << ReadBytes(Log());
  EXPECT_EQ(DumpFeaturesAndPairs(copy), DumpFeaturesAndPairs(path));
}

TEST_F(ColmapJudge, AnImageItAddsToOurFileIsAdopted) {
  const std::string path = MakeFilledDatabase(folder_);
  const std::string before = Dump(path, "keypoints", "image_id,rows,cols,data");
  ASSERT_EQ(RunCommand("colmap feature_extractor --SiftExtraction.use_gpu 0 --SiftExtraction.num_threads 1 "
                       "--database_path '" +
                           path + "' --image_path '" + MakePhotoFolder() + "'",
                       Log()),
            0)
      << ReadBytes(Log());
  EXPECT_EQ(Dump(path, "keypoints WHERE image_id < 4", "image_id,rows,cols,data"), before);
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  const auto image = database.FindImage("new.pgm");
  ASSERT_TRUE(image.has_value());
  EXPECT_EQ(image->image_id, 4u);
  const KeypointsBlob keypoints = database.ReadKeypoints(4);
  EXPECT_EQ(keypoints.cols, 6);
  EXPECT_GT(keypoints.rows, 0u);
  EXPECT_FALSE(database.ReadImageProvenance(4).has_value());
  EXPECT_EQ(SqlInt64(path, "SELECT type FROM descriptors WHERE image_id = 4"),
            0);  // SIFT's, for COLMAP 4 too.
  EXPECT_THROW(database.ReadDescriptors(4), InputError);
  EXPECT_EQ(database.CompleteFrames(), 1);  // 3.8 knows no frames.
  database.DeleteFeatures(4);
  database.WriteKeypoints(4, TestKeypoints(20));
  database.WriteDescriptors(4, TestDescriptors(20, 256));
  database.WriteMatches(4, 1, TestMatches(20));
  EXPECT_EQ(database.ReadMatches(1, 4).size(), 20u);
}

}  // namespace
}  // namespace colmatch
