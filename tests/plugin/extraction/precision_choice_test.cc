// What --precision auto becomes.
#include "plugin/extraction/precision_choice.h"

#include <gtest/gtest.h>

#include "network/precision.h"
#include "plugin/extraction/worker_memory.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

class PrecisionChoiceTest : public testing::Test {
 protected:
  PrecisionChoiceTest() : path_((folder_.path() / "d.db").string()) { common_.device = "cpu"; }

  // A database with features and a pair, made as these provenances say.
  void Write(const std::string& of_features, const std::string& of_pair) const {
    ColmapDatabase database(path_, DatabaseMode::kCreateOrOpen);
    Camera camera;
    camera.model_id = 2;
    camera.width = camera.height = 10;
    camera.params = {10, 5, 5, 0};
    const camera_t camera_id = database.AddCamera(camera);
    KeypointsBlob keypoints;
    keypoints.rows = 1;
    keypoints.cols = 2;
    keypoints.xy = {1, 2};
    for (const image_t id : {1u, 2u}) {
      Image image;
      image.name = std::to_string(id) + ".jpg";
      image.camera_id = camera_id;
      ASSERT_EQ(database.AddImage(image), id);
      database.WriteKeypoints(id, keypoints);
      database.WriteImageProvenance(id, of_features, {0.5f});
    }
    database.WriteMatches(1, 2, {{0, 0}});
    database.WritePairProvenance(1, 2, of_pair, {0.5f});
  }

  const TemporaryFolder folder_;
  const std::string path_;
  CommonOptions common_;
};

TEST_F(PrecisionChoiceTest, AutoIsTheFastestOfTheMachineWhereNothingIsThere) {
  const std::string fastest = NameOf(FastestPrecision(torch::kCPU));
  EXPECT_EQ(WithPrecision(common_).precision, fastest);
  EXPECT_EQ(WithPrecision(common_, path_, RowsKind::kFeatures).precision, fastest);
}

TEST_F(PrecisionChoiceTest, AutoFollowsTheRowsThatAreThere) {
  Write("superpoint 0123 max_image_size 1600 bf16 turned 1", "matcher superglue 0123 match_threshold 0.2");
  EXPECT_EQ(WithPrecision(common_, path_, RowsKind::kFeatures).precision, "bf16");
  EXPECT_EQ(WithPrecision(common_, path_, RowsKind::kPairs).precision, "fp32");
}

TEST_F(PrecisionChoiceTest, APrecisionThatIsGivenStays) {
  Write("superpoint 0123 bf16", "matcher superglue 0123 int8");
  common_.precision = "fp32";
  EXPECT_EQ(WithPrecision(common_, path_, RowsKind::kFeatures).precision, "fp32");
  EXPECT_EQ(WithPrecision(common_, path_, RowsKind::kPairs).precision, "fp32");
}

TEST(WorkersThatFit, AreBoundedByThreadsAndMemoryAndNeverNone) {
  EXPECT_EQ(WorkersThatFit(8, 100, 1'000'000), 8);
  EXPECT_EQ(WorkersThatFit(8, 100, 500), 4) << "a tenth stays free";
  EXPECT_EQ(WorkersThatFit(8, 100, 10), 1);
  EXPECT_EQ(WorkersThatFit(8, 0, 0), 8);
}

}  // namespace
}  // namespace colmatch
