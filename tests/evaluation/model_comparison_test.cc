// Tests of the comparison with true cameras: known similarities, outliers, mirrors, too few cameras, truth
// files.
#include "evaluation/model_comparison.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <fstream>

#include "tests/temporary_folder.h"
#include "tests/test_seed.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

double Uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(TestRng());
}

Eigen::Matrix3d RandomRotation() {
  return Eigen::Quaterniond(Uniform(-1, 1), Uniform(-1, 1), Uniform(-1, 1), Uniform(-1, 1))
      .normalized()
      .toRotationMatrix();
}

std::vector<CameraPose> RandomCameras(int count) {
  std::vector<CameraPose> cameras;
  for (int i = 0; i < count; ++i) {
    cameras.push_back({"image" + std::to_string(i) + ".jpg", RandomRotation(),
                       Eigen::Vector3d(Uniform(-5, 5), Uniform(-5, 5), Uniform(-5, 5))});
  }
  return cameras;
}

// The same cameras in another world: model = s R truth + t.
std::vector<CameraPose> Moved(std::vector<CameraPose> cameras, const Similarity& similarity) {
  for (CameraPose& camera : cameras) {
    camera.center = similarity * camera.center;
    camera.rotation = camera.rotation * similarity.rotation.transpose();
  }
  return cameras;
}

Similarity SomeSimilarity() { return {0.37, RandomRotation(), Eigen::Vector3d(3, -20, 7)}; }

TEST(ModelComparison, AKnownSimilarityIsRecoveredExactly) {
  const auto truth = RandomCameras(9);
  const Similarity move = SomeSimilarity();
  const ModelComparison result = CompareWithTruth(Moved(truth, move), truth);
  ASSERT_TRUE(result.aligned) << result.reason;
  EXPECT_EQ(result.images.size(), 9u);
  EXPECT_TRUE(result.missing.empty());
  EXPECT_NEAR(result.truth_from_model.scale, 1 / 0.37, 1e-9);
  EXPECT_TRUE(result.truth_from_model.rotation.isApprox(move.rotation.transpose(), 1e-9));
  EXPECT_LT(result.max_position, 1e-9);
  EXPECT_LT(result.max_rotation_deg, 1e-6);
}

TEST(ModelComparison, ErrorsAreInTheTruthsUnitsAndAsShareOfItsExtent) {
  auto truth = RandomCameras(12);
  truth[0].center = {-50, 0, 0};
  truth[1].center = {50, 0, 0};  // extent 100
  auto model = truth;
  model[2].center += Eigen::Vector3d(0, 0.5, 0);
  model[2].rotation = Eigen::AngleAxisd(0.02, Eigen::Vector3d(1, 2, 2) / 3) * model[2].rotation;
  const ModelComparison result = CompareWithTruth(Moved(model, SomeSimilarity()), truth);
  ASSERT_TRUE(result.aligned);
  EXPECT_NEAR(result.extent, 100, 1e-9);
  EXPECT_EQ(result.images[0].name, "image2.jpg") << "worst first";
  EXPECT_FALSE(result.images[0].used_to_align);
  EXPECT_NEAR(result.images[0].position, 0.5, 1e-6);
  EXPECT_NEAR(result.max_position, 0.5, 1e-6);
  EXPECT_NEAR(result.max_position_share, 0.005, 1e-8);
  EXPECT_NEAR(result.max_rotation_deg, 0.02 * 180 / M_PI, 1e-6);
  EXPECT_LT(result.median_position, 1e-6);
  EXPECT_LT(result.median_rotation_deg, 1e-5);
}

TEST(ModelComparison, OutlierCamerasDoNotMoveTheAlignment) {
  const auto truth = RandomCameras(10);
  auto model = truth;
  for (const int i : {1, 4, 7}) {
    model[i].center += Eigen::Vector3d(Uniform(20, 40), Uniform(-40, -20), Uniform(20, 40));
  }
  const ModelComparison result = CompareWithTruth(Moved(model, SomeSimilarity()), truth);
  ASSERT_TRUE(result.aligned);
  EXPECT_LT(result.median_position, 1e-9);
  EXPECT_GT(result.images[2].position, 20);
  EXPECT_LT(result.images[3].position, 1e-9) << "only three are wrong";
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(result.images[i].used_to_align);
}

TEST(ModelComparison, ManyCamerasWithNoiseAlignByRandomTriples) {
  auto truth = RandomCameras(60);
  auto model = truth;
  for (CameraPose& camera : model)
    camera.center += 0.01 * Eigen::Vector3d(Uniform(-1, 1), Uniform(-1, 1), Uniform(-1, 1));
  for (int i = 0; i < 15; ++i)
    model[i].center = Eigen::Vector3d(Uniform(-9, 9), Uniform(-9, 9), Uniform(-9, 9));
  const ModelComparison result = CompareWithTruth(Moved(model, SomeSimilarity()), truth);
  ASSERT_TRUE(result.aligned);
  EXPECT_LT(result.median_position, 0.015);
  EXPECT_LT(result.median_rotation_deg, 0.1);
}

TEST(ModelComparison, AMirroredModelIsNotExplainedAway) {
  const auto truth = RandomCameras(10);
  auto model = truth;
  for (CameraPose& camera : model) camera.center[0] = -camera.center[0];
  const ModelComparison result = CompareWithTruth(model, truth);
  ASSERT_TRUE(result.aligned);
  EXPECT_NEAR(result.truth_from_model.rotation.determinant(), 1, 1e-9);
  EXPECT_GT(result.median_position, 0.5);
}

TEST(ModelComparison, UmeyamaGivesAProperRotationForMirroredPoints) {
  std::vector<Eigen::Vector3d> from, to;
  for (const CameraPose& camera : RandomCameras(8)) {
    from.push_back(camera.center);
    to.push_back(camera.center.cwiseProduct(Eigen::Vector3d(1, 1, -1)));
  }
  EXPECT_NEAR(EstimateSimilarity(from, to).rotation.determinant(), 1, 1e-9);
}

TEST(ModelComparison, CamerasOnALineAreAlignedByTheirRotations) {
  auto truth = RandomCameras(6);
  for (size_t i = 0; i < truth.size(); ++i)
    truth[i].center = Eigen::Vector3d(1, 2, -1) * (double(i) + 0.3 * double(i % 2));
  for (const size_t count : {size_t{6}, size_t{2}}) {
    truth.resize(count);
    const ModelComparison result = CompareWithTruth(Moved(truth, SomeSimilarity()), truth);
    ASSERT_TRUE(result.aligned) << count << ": " << result.reason;
    EXPECT_LT(result.max_position, 1e-9) << count;
    EXPECT_LT(result.max_rotation_deg, 1e-6) << count;
  }
}

TEST(ModelComparison, TooLittleInCommonIsSaidNotGuessed) {
  const auto truth = RandomCameras(5);
  const ModelComparison none = CompareWithTruth(std::vector<CameraPose>{}, truth);
  EXPECT_FALSE(none.aligned);
  EXPECT_NE(none.reason.find("only 0"), std::string::npos);
  EXPECT_EQ(none.missing.size(), 5u);
  EXPECT_FALSE(CompareWithTruth({truth[3]}, truth).aligned);
  auto one_place = truth;
  for (CameraPose& camera : one_place) camera.center.setZero();
  const ModelComparison still = CompareWithTruth(one_place, truth);
  EXPECT_FALSE(still.aligned);
  EXPECT_NE(still.reason.find("one place"), std::string::npos);
}

TEST(ModelComparison, MissingImagesAreNamedAndFoldersInNamesDoNotMatter) {
  const auto truth = RandomCameras(6);
  auto model = truth;
  model.erase(model.begin() + 2);
  for (CameraPose& camera : model) camera.name = "street/" + camera.name;
  const ModelComparison result = CompareWithTruth(model, truth);
  ASSERT_TRUE(result.aligned);
  EXPECT_EQ(result.missing, std::vector<std::string>{"image2.jpg"});
  EXPECT_EQ(result.images.size(), 5u);
}

TEST(ModelComparison, AFileNameInTwoFoldersMatchesNeither) {
  const auto truth = RandomCameras(4);
  auto model = truth;
  model[0].name = "a/image0.jpg";
  model.push_back(model[0]);
  model.back().name = "b/image0.jpg";
  EXPECT_EQ(CompareWithTruth(model, truth).missing, std::vector<std::string>{"image0.jpg"});
}

TEST(ModelComparison, StrechaFilesGiveWorldFromCameraAndCentre) {
  // The camera's axes in the world are the columns: it looks along world x, its x axis is world -y.
  const TemporaryFolder folder;
  const fs::path file =
      folder.Write("0004.jpg.camera", std::string("2759.48 0 1520.69 \n0 2764.16 1006.81 \n0 0 1 \n0 0 0\n"
                                                  "0 0 1 \n-1 0 0 \n0 -1 0 \n4 5 6 \n3072 2048\n"));
  for (const CameraPose& pose : {ReadStrechaCamera(file), ReadTruth(file.parent_path()).at(0)}) {
    EXPECT_EQ(pose.name, "0004.jpg");
    EXPECT_EQ(pose.center, Eigen::Vector3d(4, 5, 6));
    const Eigen::Vector3d ahead = pose.rotation * (Eigen::Vector3d(14, 5, 6) - pose.center);
    EXPECT_TRUE(ahead.isApprox(Eigen::Vector3d(0, 0, 10))) << ahead.transpose();
  }
}

TEST(ModelComparison, BadStrechaFilesAreRefused) {
  const TemporaryFolder folder;
  const std::string intrinsics = "2759 0 1520 0 2764 1006 0 0 1 0 0 0 ";
  for (const std::string& bad :
       {std::string(), intrinsics + "1 0 0 0 1 0 0 0 1 1 2 3 3072",
        intrinsics + "1 0 0 0 1 0 0 0 1 1 2 3 3072 2048 9", intrinsics + "1 0 0 0 1 0 0 0 x 1 2 3 3072 2048",
        intrinsics + "1 0 0 0 1 0 0 0 nan 1 2 3 3072 2048", intrinsics + "1 0 0 0 1 0 0 0 -1 1 2 3 3072 2048",
        intrinsics + "2 0 0 0 1 0 0 0 1 1 2 3 3072 2048"}) {
    EXPECT_THROW(ReadStrechaCamera(folder.Write("0004.jpg.camera", bad)), InputError) << bad;
  }
  EXPECT_THROW(ReadTruth(folder.path() / "nowhere"), InputError);
}

TEST(ModelComparison, JsonAndTableSayTheSame) {
  const auto truth = RandomCameras(4);
  const ModelComparison result = CompareWithTruth(Moved(truth, SomeSimilarity()), truth);
  const auto json = ToJson(result);
  EXPECT_EQ(json["num_compared"], 4);
  EXPECT_EQ(json["images"].size(), 4u);
  EXPECT_EQ(json["rotation_deg"]["max"], result.max_rotation_deg);
  ModelStatistics statistics;
  statistics.num_registered = 4;
  statistics.num_points = 99;
  statistics.mean_track_length = 3.456;
  EXPECT_EQ(ToJson(statistics)["registered_images"], 4);
  EXPECT_EQ(ModelTableRow("street", 5, statistics, std::nullopt),
            "| street | 4 of 5 | 99 | 3.46 | 0.000 | - | - |\n");
  EXPECT_EQ(ModelTableRow("street", 5, std::nullopt, std::nullopt),
            "| street | 0 of 5 | - | - | - | - | - |\n");
  EXPECT_NE(ModelTableRow("street", 4, statistics, result).find("0.000 / 0.000"), std::string::npos);
  ModelComparison failed;
  failed.reason = "because";
  EXPECT_EQ(ToJson(failed)["reason"], "because");
}

TEST(ModelComparison, SharedTruthHasTheRightOrientation) {
  const fs::path folder = fs::path(COLMATCH_SOURCE_DIR) / "../shared/data/sfm/Herz-Jesus-P8/gt";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const auto truth = ReadTruth(folder);
  ASSERT_EQ(truth.size(), 8u);
  // All photographers look at the same portal: the viewing axes converge in front of the cameras.
  Eigen::Matrix3d a = Eigen::Matrix3d::Zero();
  Eigen::Vector3d b = Eigen::Vector3d::Zero();
  for (const CameraPose& pose : truth) {
    const Eigen::Vector3d axis = pose.rotation.row(2).transpose();
    const Eigen::Matrix3d across = Eigen::Matrix3d::Identity() - axis * axis.transpose();
    a += across;
    b += across * pose.center;
  }
  const Eigen::Vector3d target = a.ldlt().solve(b);
  for (const CameraPose& pose : truth) EXPECT_GT((pose.rotation * (target - pose.center))[2], 0) << pose.name;
}

}  // namespace
}  // namespace colmatch
