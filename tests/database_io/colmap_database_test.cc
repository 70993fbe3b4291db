// Cameras, images and features: round trips, ids, and values that are refused before they are written.
#include "database_io/colmap_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ColmapDatabaseTest : public testing::Test {
 protected:
  // Bytes of one cell, in hexadecimal, as another program sees them.
  std::string Hex(const std::string& cell_query) {
    return Connection(path_, OpenMode::kReadOnly).QueryText("SELECT hex((" + cell_query + "))");
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("database.db");
  ColmapDatabase database_{path_, DatabaseMode::kCreateOrOpen};
};

TEST_F(ColmapDatabaseTest, CamerasRoundTrip) {
  EXPECT_EQ(database_.AddCamera(TestCamera()), 1u);
  EXPECT_EQ(database_.AddCamera({17, 1, 3072, 2048, {2759.5, 2764.25, 1520.7, 1006.8}, false}), 17u);
  const std::vector<Camera> cameras = database_.Cameras();
  ASSERT_EQ(cameras.size(), 2u);
  EXPECT_EQ(cameras[0].model_id, 2);
  EXPECT_EQ(cameras[0].params, TestCamera().params);
  EXPECT_TRUE(cameras[0].has_prior_focal_length);
  EXPECT_EQ(cameras[1].camera_id, 17u);
  EXPECT_EQ(cameras[1].width, 3072);
  EXPECT_EQ(cameras[1].height, 2048);
  EXPECT_FALSE(cameras[1].has_prior_focal_length);
  EXPECT_EQ(Hex("SELECT substr(params, 1, 8) FROM cameras WHERE camera_id = 1"), "0000000000407F40");
}

TEST_F(ColmapDatabaseTest, ImagesRoundTripInIdOrder) {
  database_.AddCamera(TestCamera());
  EXPECT_EQ(database_.AddImage({9, "z.jpg", 1, {}}), 9u);
  EXPECT_EQ(database_.AddImage({2, "y.jpg", 1, GeoPosition{-33.5, 151.25, -4}}), 2u);
  EXPECT_EQ(database_.AddImage({0, "x.jpg", 1, {}}), 10u);
  const std::vector<Image> images = database_.Images();
  ASSERT_EQ(images.size(), 3u);
  EXPECT_EQ(images[0].name, "y.jpg");
  ASSERT_TRUE(images[0].prior_position.has_value());
  EXPECT_EQ(images[0].prior_position->latitude_deg, -33.5);
  EXPECT_EQ(images[0].prior_position->longitude_deg, 151.25);
  EXPECT_EQ(images[0].prior_position->altitude_m, -4);
  EXPECT_EQ(images[1].image_id, 9u);
  EXPECT_EQ(images[2].image_id, 10u);
  EXPECT_FALSE(images[2].prior_position.has_value());
}

TEST_F(ColmapDatabaseTest, NamesAreKeptByteForByte) {
  database_.AddCamera(TestCamera());
  const std::vector<std::string> names = {"O'Brien'); DROP TABLE images;--.jpg",
                                          "sub folder/\xC3\xBC\xE5\x9B\xB3.JPG",
                                          "tab\tnewline\n.png",
                                          "-leading%s%n",
                                          "not utf-8 \xff\xfe.jpg",
                                          std::string(4096, 'n')};
  for (const auto& name : names) database_.AddImage({0, name, 1, {}});
  for (const auto& name : names) {
    const auto found = database_.FindImage(name);
    ASSERT_TRUE(found.has_value()) << name;
    EXPECT_EQ(found->name, name);
    EXPECT_EQ(database_.Images()[found->image_id - 1].name, name);
  }
  EXPECT_FALSE(database_.FindImage("O'Brien").has_value());
}

TEST_F(ColmapDatabaseTest, ASecondImageOfTheSameNameIsRefusedByName) {
  FillDatabase(database_);
  EXPECT_THAT(MessageOf<InputError>([&] {
                database_.AddImage({0, "a.jpg", 1, {}});
              }),
              AllOf(HasSubstr("a.jpg"), HasSubstr("image 1")));
  EXPECT_EQ(database_.Counts().images, 3);
}

TEST_F(ColmapDatabaseTest, ImagesOutsideTheRangeOrWithoutACameraAreRefused) {
  database_.AddCamera(TestCamera());
  database_.AddImage({5, "five.jpg", 1, {}});
  EXPECT_THROW(database_.AddImage({2147483647u, "a.jpg", 1, {}}), InputError);
  EXPECT_THROW(database_.AddImage({4294967295u, "a.jpg", 1, {}}), InputError);
  EXPECT_THROW(database_.AddImage({5, "a.jpg", 1, {}}), InputError);
  EXPECT_THROW(database_.AddImage({0, "", 1, {}}), InputError);
  EXPECT_THAT(MessageOf<InputError>([&] {
                database_.AddImage({0, "a.jpg", 2, {}});
              }),
              HasSubstr("table cameras, row 2 does not exist"));
  EXPECT_EQ(database_.Counts().images, 1);
  EXPECT_EQ(SqlInt64(path_, "SELECT count(*) FROM frames"), 1);
  // The id after the largest is refused by COLMAP's own CHECK.
  database_.AddImage({2147483646u, "last.jpg", 1, {}});
  EXPECT_THROW(database_.AddImage({0, "too many.jpg", 1, {}}), InputError);
}

TEST_F(ColmapDatabaseTest, CamerasThatCannotBeAreRefused) {
  database_.AddCamera(TestCamera());
  EXPECT_THROW(database_.AddCamera({1, 2, 640, 480, {1, 2, 3, 4}, false}), InputError);
  EXPECT_THROW(database_.AddCamera({0, -1, 640, 480, {}, false}), InputError);
  EXPECT_THROW(database_.AddCamera({0, 2, 0, 480, {}, false}), InputError);
  EXPECT_THROW(database_.AddCamera({0, 2, 640, -480, {}, false}), InputError);
  EXPECT_THROW(database_.AddCamera({0, 2, 640, 480, {std::nan("")}, false}), InputError);
  EXPECT_EQ(database_.Counts().cameras, 1);
}

TEST_F(ColmapDatabaseTest, FeaturesRoundTripThroughColmapsRows) {
  FillDatabase(database_);
  EXPECT_EQ(database_.ReadKeypoints(2).xy, TestKeypoints(20, 2).xy);
  EXPECT_EQ(database_.NumKeypoints(2), 20);
  const Descriptors descriptors = database_.ReadDescriptors(2);
  EXPECT_EQ(descriptors.rows, 20u);
  EXPECT_EQ(descriptors.dim, 256);
  EXPECT_EQ(descriptors.values, TestDescriptors(20, 256).values);
  EXPECT_EQ(SqlInt64(path_, "SELECT cols FROM keypoints WHERE image_id = 2"), 2);
  EXPECT_EQ(SqlInt64(path_, "SELECT cols FROM descriptors WHERE image_id = 2"), 1024);
  EXPECT_EQ(SqlInt64(path_, "SELECT type FROM descriptors WHERE image_id = 2"), -1);
  EXPECT_EQ(Hex("SELECT substr(data, 1, 8) FROM keypoints WHERE image_id = 2"), "000020400000C03F");
}

TEST_F(ColmapDatabaseTest, ScalesMakeFourColumnsOfWhichTheLastIsAnOrientationOfZero) {
  FillDatabase(database_);
  const KeypointsBlob keypoints = database_.ReadKeypoints(3);
  EXPECT_EQ(keypoints.cols, 4);
  EXPECT_EQ(keypoints.xy, TestKeypoints(20, 3).xy);
  EXPECT_EQ(keypoints.scales, std::vector<float>(20, 1.5F));
  EXPECT_EQ(
      SqlInt64(path_, "SELECT cols = 4 AND length(data) = 20 * 4 * 4 FROM keypoints WHERE image_id = 3"), 1);
  EXPECT_EQ(Hex("SELECT substr(data, 9, 8) FROM keypoints WHERE image_id = 3"), "0000C03F00000000");
}

TEST_F(ColmapDatabaseTest, ScalesThatDoNotFitTheColumnsAreRefused) {
  database_.AddCamera(TestCamera());
  database_.AddImage({0, "a.jpg", 1, {}});
  KeypointsBlob keypoints = TestKeypoints(20);
  keypoints.scales.assign(20, 1.F);
  EXPECT_THROW(database_.WriteKeypoints(1, keypoints), InputError);  // 2 columns
  keypoints.cols = 4;
  keypoints.scales.pop_back();
  EXPECT_THROW(database_.WriteKeypoints(1, keypoints), InputError);
  keypoints.scales.push_back(std::nanf(""));
  EXPECT_THROW(database_.WriteKeypoints(1, keypoints), InputError);
  EXPECT_FALSE(database_.HasKeypoints(1));
}

TEST_F(ColmapDatabaseTest, NoKeypointsAreARowNotAnAbsence) {
  database_.AddCamera(TestCamera());
  database_.AddImage({0, "blank.jpg", 1, {}});
  EXPECT_FALSE(database_.HasKeypoints(1) || database_.HasDescriptors(1));
  database_.WriteKeypoints(1, {});
  database_.WriteDescriptors(1, {0, 256, {}});
  database_.WriteImageProvenance(1, "p", {});
  EXPECT_TRUE(database_.HasKeypoints(1) && database_.HasDescriptors(1));
  EXPECT_EQ(database_.ReadKeypoints(1).rows, 0u);
  EXPECT_EQ(database_.ReadDescriptors(1).dim, 256);
  EXPECT_EQ(SqlInt64(path_, "SELECT data IS NULL AND rows = 0 AND cols = 2 FROM keypoints"), 1);
  EXPECT_EQ(SqlInt64(path_, "SELECT data IS NULL AND rows = 0 AND cols = 1024 FROM descriptors"), 1);
}

TEST_F(ColmapDatabaseTest, KeypointsMayHaveAnEmptyDescriptorsRow) {
  database_.AddCamera(TestCamera());
  database_.AddImage({0, "a.jpg", 1, {}});
  database_.WriteKeypoints(1, TestKeypoints(20));
  database_.WriteDescriptors(1, {0, 256, {}});
  EXPECT_EQ(database_.ReadDescriptors(1).rows, 0u);
}

TEST_F(ColmapDatabaseTest, FeaturesThatDoNotFitAreRefusedAndNothingIsWritten) {
  database_.AddCamera(TestCamera());
  database_.AddImage({0, "a.jpg", 1, {}});
  EXPECT_THROW(database_.WriteKeypoints(2, TestKeypoints(3)), InputError);
  EXPECT_THROW(database_.WriteKeypoints(1, {3, 2, {1, 2, 3, 4}}), InputError);
  EXPECT_THROW(database_.WriteKeypoints(1, {1, 4, {1, 2}}), InputError);
  EXPECT_THROW(database_.WriteKeypoints(1, {1, 2, {1, std::nanf("")}}), InputError);
  EXPECT_THROW(database_.WriteImageProvenance(1, "p", {}), InputError);  // No keypoints yet.
  EXPECT_EQ(database_.Counts().images_with_keypoints, 0);
  database_.WriteKeypoints(1, TestKeypoints(3));
  EXPECT_THROW(database_.WriteKeypoints(1, TestKeypoints(3)), InputError);
  EXPECT_THROW(database_.WriteDescriptors(2, TestDescriptors(3, 4)), InputError);
  EXPECT_THROW(database_.WriteDescriptors(1, TestDescriptors(4, 4)), InputError);
  EXPECT_THROW(database_.WriteDescriptors(1, {3, 4, std::vector<float>(11, 0)}), InputError);
  EXPECT_THROW(database_.WriteDescriptors(1, {3, 1, {1, 2, HUGE_VALF}}), InputError);
  EXPECT_THROW(database_.WriteImageProvenance(1, "p", {1, 2}), InputError);
  EXPECT_EQ(database_.Counts().images_with_descriptors, 0);
  database_.WriteDescriptors(1, TestDescriptors(3, 4));
  EXPECT_THROW(database_.WriteDescriptors(1, TestDescriptors(3, 4)), InputError);
}

TEST_F(ColmapDatabaseTest, MissingRowsAreNamed) {
  EXPECT_THAT(MessageOf<InputError>([&] { database_.ReadKeypoints(4); }),
              HasSubstr("table keypoints, row 4"));
  EXPECT_THAT(MessageOf<InputError>([&] { database_.ReadDescriptors(4); }),
              HasSubstr("table descriptors, row 4"));
  EXPECT_EQ(database_.NumKeypoints(4), 0);
}

TEST_F(ColmapDatabaseTest, ProvenanceRoundTripsAndCanBeReplaced) {
  FillDatabase(database_);
  database_.WriteImageProvenance(1, "second", std::vector<float>(20, 0.125F));
  const auto provenance = database_.ReadImageProvenance(1);
  ASSERT_TRUE(provenance.has_value());
  EXPECT_EQ(provenance->text, "second");
  EXPECT_EQ(provenance->scores, std::vector<float>(20, 0.125F));
  EXPECT_EQ(database_.ReadImageProvenance(2)->text, "{\"weights\":\"test\"}");
  database_.WriteMeta("weights", "abc");
  database_.WriteMeta("weights", "def");
  EXPECT_EQ(database_.ReadMeta("weights"), "def");
}

TEST_F(ColmapDatabaseTest, ProvenanceGoesWithTheKeypointsAnotherProgramDeletes) {
  FillDatabase(database_);
  // As COLMAP's database_cleaner does, with foreign keys on.
  Sql(path_, "DELETE FROM keypoints WHERE image_id = 1");
  EXPECT_FALSE(database_.ReadImageProvenance(1).has_value());
  Sql(path_, "DELETE FROM matches");
  EXPECT_FALSE(database_.ReadPairProvenance(1, 2).has_value());
}

TEST_F(ColmapDatabaseTest, ProvenanceOfKeypointsAnotherProgramReplacedIsNone) {
  FillDatabase(database_);
  Sql(path_, "UPDATE keypoints SET rows = 1, data = zeroblob(8) WHERE image_id = 1");
  EXPECT_FALSE(database_.ReadImageProvenance(1).has_value());
}

TEST_F(ColmapDatabaseTest, DeletingFeaturesTakesThePairsOfTheImage) {
  FillDatabase(database_);
  database_.DeleteFeatures(2);
  EXPECT_FALSE(database_.HasKeypoints(2) || database_.HasDescriptors(2));
  EXPECT_FALSE(database_.ReadImageProvenance(2).has_value());
  EXPECT_EQ(database_.AllMatchedPairs(), (std::vector<std::pair<image_t, image_t>>{{1, 3}}));
  const DatabaseCounts counts = database_.Counts();
  EXPECT_EQ(counts.images, 3);
  EXPECT_EQ(counts.keypoints, 40);
  EXPECT_EQ(counts.two_view_geometries, 1);
  EXPECT_EQ(SqlInt64(path_, "SELECT count(*) FROM colmatch_pairs"), 1);
}

TEST_F(ColmapDatabaseTest, SiftDescriptorsAreNotTakenForOurs) {
  FillDatabase(database_);
  Sql(path_,
      "DELETE FROM keypoints WHERE image_id = 1; DELETE FROM descriptors WHERE image_id = 1;"
      "INSERT INTO keypoints VALUES (1, 2, 6, zeroblob(48));"
      "INSERT INTO descriptors (image_id, rows, cols, data, type) VALUES (1, 2, 128, zeroblob(256), 0)");
  EXPECT_EQ(database_.ReadKeypoints(1).cols, 6);
  EXPECT_THAT(MessageOf<InputError>([&] { database_.ReadDescriptors(1); }),
              AllOf(HasSubstr("another program"), HasSubstr("type 0")));
}

TEST(DescriptorsWithoutType, AreToldApartByProvenance) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  Sql(path, kColmap38);
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  FillDatabase(database, 32);  // 128 columns, as SIFT's.
  EXPECT_EQ(database.ReadDescriptors(1).dim, 32);
  Sql(path, "DELETE FROM colmatch_images WHERE image_id = 1");
  EXPECT_THROW(database.ReadDescriptors(1), InputError);
}

TEST_F(ColmapDatabaseTest, AnUnfinishedTransactionLeavesNoHalfImage) {
  EXPECT_THROW(
      {
        Transaction transaction = database_.BeginTransaction();
        database_.AddCamera(TestCamera());
        database_.AddImage({0, "a.jpg", 1, GeoPosition{1, 2, 3}});
        database_.WriteKeypoints(1, TestKeypoints(5));
        database_.WriteKeypoints(1, TestKeypoints(5));
      },
      InputError);
  const DatabaseCounts counts = database_.Counts();
  EXPECT_EQ(counts.cameras + counts.images + counts.images_with_keypoints, 0);
  EXPECT_EQ(SqlInt64(path_, "SELECT (SELECT count(*) FROM frames) + (SELECT count(*) FROM rigs)"), 0);
}

TEST_F(ColmapDatabaseTest, CountsWhatIsThere) {
  FillDatabase(database_);
  database_.DeleteTwoViewGeometry(1, 2);
  database_.WriteTwoViewGeometry(1, 2, {});
  const DatabaseCounts counts = database_.Counts();
  EXPECT_EQ(counts.cameras, 1);
  EXPECT_EQ(counts.images, 3);
  EXPECT_EQ(counts.images_with_keypoints, 3);
  EXPECT_EQ(counts.images_with_descriptors, 3);
  EXPECT_EQ(counts.keypoints, 60);
  EXPECT_EQ(counts.matched_pairs, 3);
  EXPECT_EQ(counts.two_view_geometries, 3);
  EXPECT_EQ(counts.verified_pairs, 2);
}

}  // namespace
}  // namespace colmatch
