// Photos taken with the camera turned: matched by rotated_matcher, counted in groups before and after.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "database_io/colmap_database.h"
#include "database_io/sqlite.h"
#include "plugin/matching/rotated_pipeline.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

void TurnPhoto(const fs::path& path, cv::RotateFlags how) {
  cv::Mat photo = cv::imread(path.string());
  cv::rotate(photo, photo, how);
  cv::imwrite(path.string(), photo, {cv::IMWRITE_JPEG_QUALITY, 98});
}

// Four photos of the demo scene, the last two turned, matched as they are.
class RotatedMatcher : public testing::Test {
 protected:
  void SetUp() override {
    TurnPhoto(photos_ / "courtyard_02.jpg", cv::ROTATE_90_CLOCKWISE);
    TurnPhoto(photos_ / "courtyard_03.jpg", cv::ROTATE_180);
    ASSERT_EQ(Run({"feature_extractor", "--image_path", photos_}).status, 0);
    ASSERT_EQ(Run({"exhaustive_matcher"}).status, 0);
  }
  ProgramResult Run(std::vector<std::string> arguments) const {
    for (const std::string& more : {std::string("--database_path"), database_, std::string("--num_threads"),
                                    std::string("1"), std::string("--progress"), std::string("off")}) {
      arguments.push_back(more);
    }
    return RunColmatch(arguments);
  }
  ProgramResult Turn() const { return Run({"rotated_matcher", "--image_path", photos_}); }
  size_t Inliers(const std::string& a, const std::string& b) const {
    ColmapDatabase database(database_, DatabaseMode::kReadOnly);
    return database.ReadTwoViewGeometry(database.FindImage(a)->image_id, database.FindImage(b)->image_id)
        .inlier_matches.size();
  }
  std::string Provenance(const std::string& a, const std::string& b) const {
    ColmapDatabase database(database_, DatabaseMode::kReadOnly);
    return database.ReadPairProvenance(database.FindImage(a)->image_id, database.FindImage(b)->image_id)
        ->text;
  }

  TemporaryFolder folder_;
  const fs::path photos_ = CopyOfTestPhotos(folder_);
  const std::string database_ = folder_.File("database.db");
};

TEST_F(RotatedMatcher, JoinsTurnedPhotosToTheOthersAndLeavesGoodPairsAlone) {
  const std::string upright = "courtyard_01.jpg", quarter = "courtyard_02.jpg", half = "courtyard_03.jpg";
  EXPECT_GT(CountGroups(database_, {}), 1);
  const size_t before = Inliers(upright, quarter), good = Inliers("courtyard_00.jpg", upright);

  const ProgramResult result = Turn();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("match better rotated"));
  const size_t choice = result.output.find("(--precision auto)");
  EXPECT_NE(choice, std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("(--precision auto)", choice + 1), std::string::npos) << "said twice";
  EXPECT_EQ(CountGroups(database_, {}), 1);
  EXPECT_GE(Inliers(upright, quarter), std::max<size_t>(60, 2 * before));
  EXPECT_GE(Inliers(quarter, half), 60u) << "both are turned, by different angles";
  EXPECT_EQ(Inliers("courtyard_00.jpg", upright), good);
  // Turned clockwise once for the photo, three times more to be upright.
  EXPECT_THAT(Provenance(upright, quarter), EndsWith(" rotated 3"));
  EXPECT_THAT(Provenance("courtyard_00.jpg", upright), testing::Not(HasSubstr("rotated")));
}

TEST_F(RotatedMatcher, LooksAtNoPairTwiceAndExhaustiveMatchingKnowsItsPairs) {
  ASSERT_EQ(Turn().status, 0);
  const size_t inliers = Inliers("courtyard_01.jpg", "courtyard_02.jpg");
  const ProgramResult again = Turn();
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("0 pairs match better rotated"));
  const ProgramResult exhaustive = Run({"exhaustive_matcher"});
  EXPECT_EQ(exhaustive.status, 0) << exhaustive.output;
  EXPECT_THAT(exhaustive.output, HasSubstr("6 pairs were there already"));
  EXPECT_EQ(Inliers("courtyard_01.jpg", "courtyard_02.jpg"), inliers);
}

TEST_F(RotatedMatcher, KnowsItsFormerNameAndTheNotesThatItWroteThen) {
  ASSERT_EQ(Run({"turned_matcher", "--image_path", photos_}).status, 0);
  {
    Connection database(database_, OpenMode::kReadWrite);
    database.Execute("UPDATE colmatch_pairs SET provenance = replace(provenance, ' rotated ', ' turned ')");
  }
  const ProgramResult again = Turn();
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("5 pairs were tried before"));
}

TEST_F(RotatedMatcher, LeavesPairsThatAnotherProgramMatchedAlone) {
  {
    ColmapDatabase database(database_, DatabaseMode::kOpenExisting);
    const image_t id1 = database.FindImage("courtyard_01.jpg")->image_id;
    const image_t id2 = database.FindImage("courtyard_02.jpg")->image_id;
    const Matches matches = {{0, 0}, {1, 1}};
    database.DeletePair(id1, id2);
    database.WriteMatches(id1, id2, matches);
    TwoViewGeometry geometry;
    geometry.config = TwoViewConfig::kUncalibrated;
    geometry.inlier_matches = matches;
    database.WriteTwoViewGeometry(id1, id2, geometry);
  }
  ASSERT_EQ(Turn().status, 0);
  EXPECT_EQ(Inliers("courtyard_01.jpg", "courtyard_02.jpg"), 2u);
  EXPECT_GE(Inliers("courtyard_00.jpg", "courtyard_02.jpg"), 60u);
}

TEST_F(RotatedMatcher, AskedForWithOtherOptionsThanTheFeaturesHaveIsAUsageError) {
  const ProgramResult result =
      Run({"rotated_matcher", "--image_path", photos_, "--SuperPoint.max_image_size", "320"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("courtyard_00.jpg were made by other weights or options"));
}

TEST_F(RotatedMatcher, APhotoThatIsNotTheOneOfTheFeaturesIsNamedAndTheOthersAreMatched) {
  TurnPhoto(photos_ / "courtyard_02.jpg", cv::ROTATE_90_CLOCKWISE);
  const ProgramResult result = Turn();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.output, HasSubstr("courtyard_02.jpg has 400 x 300 pixels"));
  EXPECT_GE(Inliers("courtyard_01.jpg", "courtyard_03.jpg"), 60u);
}

TEST(RotatedMatching, IsAutoAlwaysOrNever) {
  const ProgramResult result = RunColmatch({"automatic_reconstructor", "--workspace_path", "w",
                                            "--image_path", TestPhotos(), "--rotated_matching", "perhaps"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("rotated_matching"));
}

}  // namespace
}  // namespace colmatch
