// feature_extractor's image options from outside: what is in the database afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>

#include "database_io/colmap_database.h"
#include "tests/database_io/colmap_schemas.h"
#include "tests/plugin/exif_builder.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::uint8_t> PhotoBytes(int number = 0) {
  std::ifstream stream(TestPhotos() / ("courtyard_0" + std::to_string(number) + ".jpg"), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

ProgramResult RunOn(const std::string& command, const fs::path& database,
                    std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {command, "--database_path", database, "--num_threads",
                                        "1",     "--weights",       "fast"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunColmatch(arguments);
}

ProgramResult Extract(const fs::path& database, const fs::path& photos, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--image_path", photos, "--SuperPoint.max_num_features", "400"});
  return RunOn("feature_extractor", database, more);
}

void MakeDatabase(const fs::path& path, const char* sql) {
  Connection(path.string(), OpenMode::kReadWriteCreate).Execute(sql);
}

std::vector<camera_t> CameraIds(const fs::path& path) {
  std::vector<camera_t> ids;
  for (const Image& image : ColmapDatabase(path, DatabaseMode::kReadOnly).Images())
    ids.push_back(image.camera_id);
  return ids;
}

TEST(Masks, APhotoWithoutItsMaskIsSkippedAndAnotherMaskIsNotMixedIn) {
  const TemporaryFolder folder;
  CopyTwoTestPhotos(folder.path() / "photos");
  cv::Mat mask(300, 400, CV_8U, cv::Scalar(255));
  mask.colRange(0, 200) = 0;
  fs::create_directory(folder.path() / "masks");
  cv::imwrite(folder.path() / "masks/courtyard_00.jpg.png", mask);
  const auto database = folder.path() / "x.db";
  const std::vector<std::string> masked = {"--ImageReader.mask_path", folder.path() / "masks"};
  const ProgramResult first = Extract(database, folder.path() / "photos", masked);
  EXPECT_EQ(first.status, 2) << first.output;
  EXPECT_THAT(first.output,
              testing::AllOf(HasSubstr("skipped courtyard_01.jpg"), HasSubstr("courtyard_01.png")));
  {
    ColmapDatabase opened(database, DatabaseMode::kReadOnly);
    ASSERT_EQ(opened.Counts().images, 1);
    const KeypointsBlob keypoints = opened.ReadKeypoints(1);
    EXPECT_GT(keypoints.rows, 100u);
    for (size_t i = 0; i < keypoints.rows; ++i) EXPECT_GE(keypoints.xy[2 * i], 200);
  }
  cv::imwrite(folder.path() / "masks/courtyard_01.png", mask);
  const ProgramResult second = Extract(database, folder.path() / "photos", masked);
  EXPECT_EQ(second.status, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr("1 photos"));
  EXPECT_THAT(second.output, HasSubstr("1 were there already"));
  const ProgramResult unmasked = Extract(database, folder.path() / "photos");
  EXPECT_EQ(unmasked.status, 1) << "masked and unmasked features are not mixed";
  mask = 255;
  cv::imwrite(folder.path() / "masks/courtyard_00.jpg.png", mask);
  EXPECT_EQ(Extract(database, folder.path() / "photos", masked).status, 1) << "nor those of another mask";
}

// Turned in storage, as telephones do, with the EXIF orientation that turns it back.
std::vector<std::uint8_t> TurnedPhoto(int number, bool with_orientation = true) {
  cv::Mat picture = cv::imdecode(PhotoBytes(number), cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION),
          stored;
  cv::rotate(picture, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
  std::vector<std::uint8_t> jpeg;
  cv::imencode(".jpg", stored, jpeg);
  ExifBuilder exif;
  exif.Short(kIfd0, 0x0112, with_orientation ? 6 : 1);
  return exif.InsertInto(jpeg);
}

size_t NumInliers(const fs::path& database) {
  return ColmapDatabase(database, DatabaseMode::kReadOnly).ReadTwoViewGeometry(1, 2).inlier_matches.size();
}

TEST(Orientation, PhotosOfACameraHeldSidewaysMatchThoseOfOneHeldUpright) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  folder.Write("photos/b.jpg", TurnedPhoto(1));
  const auto upright = folder.path() / "upright.db", stored = folder.path() / "stored.db";
  ASSERT_EQ(Extract(upright, folder.path() / "photos").status, 0);
  ASSERT_EQ(RunOn("exhaustive_matcher", upright).status, 0);
  ASSERT_EQ(Extract(stored, folder.path() / "photos", {"--SuperPoint.upright", "0"}).status, 0);
  ASSERT_EQ(RunOn("exhaustive_matcher", stored).status, 0);
  EXPECT_GT(NumInliers(upright), 30u);
  EXPECT_GT(NumInliers(upright), 2 * NumInliers(stored));
  ColmapDatabase database(upright, DatabaseMode::kReadOnly);
  EXPECT_EQ(database.Cameras()[1].width, 300) << "the photo as it is stored";
  // The next run finds both done, and rotated_matcher takes them as they are.
  EXPECT_THAT(Extract(upright, folder.path() / "photos").output, HasSubstr("2 were there already"));
  const ProgramResult turned =
      RunOn("rotated_matcher", upright,
            {"--image_path", folder.path() / "photos", "--SuperPoint.max_num_features", "400"});
  EXPECT_EQ(turned.status, 0) << turned.output;
}

TEST(Orientation, GravityIsWrittenIntoADatabaseOfColmapFour) {
  const TemporaryFolder folder;
  folder.Write("photos/b.jpg", TurnedPhoto(1));
  const auto path = folder.path() / "four.db";
  MakeDatabase(path, kColmap42);
  ASSERT_EQ(Extract(path, folder.path() / "photos").status, 0);
  Connection connection(path.string(), OpenMode::kReadOnly);
  EXPECT_EQ(
      connection.QueryInt64("SELECT hex(gravity) = '000000000000F03F' || hex(zeroblob(16)) FROM pose_priors"),
      1);
}

std::vector<std::uint8_t> PhotoWithFocalLength(std::uint16_t focal_35mm) {
  ExifBuilder exif;
  exif.Short(kExifIfd, 0xa405, focal_35mm);
  return exif.InsertInto(PhotoBytes(0));
}

TEST(FocalConvention, FollowsTheDatabaseUnlessItIsSaid) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoWithFocalLength(35));
  const struct {
    const char* schema;
    const char* convention;
    double focal;
  } cases[] = {{kColmap38, "auto", 400},
               {kColmap42, "auto", 35 / 43.27 * 500},
               {nullptr, "auto", 400},
               {nullptr, "colmap4", 35 / 43.27 * 500},
               {kColmap42, "colmap3", 400}};
  int number = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(number);
    const auto path = folder.path() / (std::to_string(number++) + ".db");
    if (c.schema) MakeDatabase(path, c.schema);
    ASSERT_EQ(
        Extract(path, folder.path() / "photos", {"--ImageReader.focal_convention", c.convention}).status, 0);
    const Camera camera = ColmapDatabase(path, DatabaseMode::kReadOnly).Cameras().at(0);
    EXPECT_NEAR(camera.params[0], c.focal, 1e-9);
    EXPECT_TRUE(camera.has_prior_focal_length);
  }
  const ProgramResult bad = Extract(folder.path() / "bad.db", folder.path() / "photos",
                                    {"--ImageReader.focal_convention", "colmap5"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr("focal_convention"));
  EXPECT_FALSE(fs::exists(folder.path() / "bad.db"));
}

TEST(CameraModels, ThoseOfColmapFourAreRefusedInADatabaseOfColmapThree) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  const std::vector<std::string> eucm = {"--ImageReader.camera_model", "EUCM"};
  const auto three = folder.path() / "three.db", four = folder.path() / "four.db";
  MakeDatabase(three, kColmap38);
  MakeDatabase(four, kColmap42);
  const ProgramResult refused = Extract(three, folder.path() / "photos", eucm);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, testing::AllOf(HasSubstr("EUCM"), HasSubstr("COLMAP 3")));
  EXPECT_EQ(ColmapDatabase(three, DatabaseMode::kReadOnly).Counts().images, 0);
  ASSERT_EQ(Extract(four, folder.path() / "photos", eucm).status, 0);
  EXPECT_EQ(ColmapDatabase(four, DatabaseMode::kReadOnly).Cameras().at(0).model_id, 16);
  const auto fresh = folder.path() / "new.db";
  const ProgramResult told = Extract(fresh, folder.path() / "photos", eucm);
  EXPECT_EQ(told.status, 0);
  EXPECT_THAT(told.output, HasSubstr("COLMAP 3 will not be able"));
}

TEST(Cameras, AreSharedPerFolderWhateverTheFoldersAreCalled) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "it's/a.jpg", "it's/b.jpg", "ü 図/\"x\"/a.jpg", "ü 図/a.jpg"})
    folder.Write(std::string("photos/") + name, PhotoBytes(0));
  const auto per_folder = folder.path() / "folder.db", single = folder.path() / "single.db",
             automatic = folder.path() / "auto.db";
  ASSERT_EQ(
      Extract(per_folder, folder.path() / "photos", {"--ImageReader.single_camera_per_folder", "1"}).status,
      0);
  EXPECT_THAT(CameraIds(per_folder), ElementsAre(1, 2, 2, 3, 4));
  ASSERT_EQ(Extract(single, folder.path() / "photos", {"--camera_mode", "1"}).status, 0);
  EXPECT_THAT(CameraIds(single), ElementsAre(1, 1, 1, 1, 1));
  ASSERT_EQ(Extract(automatic, folder.path() / "photos").status, 0);
  EXPECT_THAT(CameraIds(automatic), ElementsAre(1, 2, 3, 4, 5)) << "without EXIF each photo has its own";
}

TEST(Cameras, OfARunWithOtherOptionsAreItsOwn) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  folder.Write("photos/b.jpg", PhotoBytes(1));
  const auto first = folder.Write("first.txt", "a.jpg\n"), second = folder.Write("second.txt", "b.jpg\n");
  const auto path = folder.path() / "x.db";
  ASSERT_EQ(Extract(path, folder.path() / "photos",
                    {"--ImageReader.single_camera", "1", "--image_list_path", first})
                .status,
            0);
  const ProgramResult other =
      Extract(path, folder.path() / "photos",
              {"--ImageReader.single_camera", "1", "--image_list_path", second, "--ImageReader.camera_model",
               "PINHOLE", "--ImageReader.camera_params", "400,400,200,150"});
  ASSERT_EQ(other.status, 0) << other.output;
  EXPECT_THAT(CameraIds(path), ElementsAre(1, 2));
  const Camera camera = ColmapDatabase(path, DatabaseMode::kReadOnly).Cameras()[1];
  EXPECT_EQ(camera.model_id, 1);
  EXPECT_THAT(camera.params, ElementsAre(400, 400, 200, 150));
}

// A photo with this place in its EXIF; no altitude if it is 0.
std::vector<std::uint8_t> PhotoAt(std::uint32_t north, std::uint32_t east, std::uint32_t altitude) {
  ExifBuilder exif;
  exif.Rational(kGpsIfd, 2, {{north, 1}, {0, 1}, {0, 1}});
  exif.Rational(kGpsIfd, 4, {{east, 1}, {0, 1}, {0, 1}});
  if (altitude > 0) exif.Rational(kGpsIfd, 6, {{altitude, 1}});
  return exif.InsertInto(PhotoBytes(0));
}

TEST(Priors, AreWholePositionsOnlyInTheDatabaseOfEveryColmap) {
  const TemporaryFolder folder;
  folder.Write("photos/nowhere.jpg", PhotoAt(0, 0, 0));
  folder.Write("photos/on_a_mountain.jpg", PhotoAt(48, 11, 512));
  folder.Write("photos/without_altitude.jpg", PhotoAt(48, 12, 0));
  for (const char* sql : {kColmap313, kColmap42, ""}) {
    const auto path = folder.path() / "x.db";
    fs::remove(path);
    if (*sql != '\0') MakeDatabase(path, sql);
    ASSERT_EQ(Extract(path, folder.path() / "photos").status, 0);
    Connection connection(path.string(), OpenMode::kReadOnly);
    EXPECT_EQ(connection.QueryInt64("SELECT count(*) FROM pose_priors"), 1) << sql;
    // The last of three doubles, little endian: 512 = 0x4080000000000000.
    EXPECT_EQ(connection.QueryText("SELECT hex(substr(position, 17)) FROM pose_priors"), "0000000000008040");
  }
}

TEST(Photos, WithoutAnyKeypointAreNamed) {
  const TemporaryFolder folder;
  std::vector<std::uint8_t> png;
  cv::imencode(".png", cv::Mat(120, 160, CV_8U, cv::Scalar(90)), png);
  folder.Write("photos/flat.png", png);
  const ProgramResult result = Extract(folder.path() / "x.db", folder.path() / "photos");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("flat.png: no keypoints were found"));
}

TEST(Duplicates, TheSameBytesUnderTwoNamesAreTwoPhotos) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  folder.Write("photos/copy of a.jpg", PhotoBytes(0));
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, folder.path() / "photos").status, 0);
  ASSERT_EQ(RunOn("exhaustive_matcher", database).status, 0);
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  EXPECT_EQ(opened.ReadKeypoints(1).xy, opened.ReadKeypoints(2).xy);
  const Matches matches = opened.ReadMatches(1, 2);
  EXPECT_GT(matches.size(), opened.ReadKeypoints(1).rows / 2);
  for (const auto& match : matches) EXPECT_EQ(match[0], match[1]);
}

TEST(Tiles, AreAnOptionOfTheFeatures) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  const auto tiled = folder.path() / "tiled.db";
  ASSERT_EQ(Extract(tiled, folder.path() / "photos", {"--SuperPoint.tile_size", "256"}).status, 0);
  EXPECT_EQ(ColmapDatabase(tiled, DatabaseMode::kReadOnly).ReadKeypoints(1).rows, 400u);
  const ProgramResult other = Extract(tiled, folder.path() / "photos");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr("max_image_size 0")) << "tiles are for photos in full size";
  const ProgramResult small =
      Extract(folder.path() / "small.db", folder.path() / "photos", {"--SuperPoint.tile_size", "100"});
  EXPECT_EQ(small.status, 1);
  EXPECT_THAT(small.output, HasSubstr("tile_size"));
  EXPECT_FALSE(fs::exists(folder.path() / "small.db"));
}

TEST(Scales, AreAnOptionOfTheFeaturesAndInTheDatabase) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", PhotoBytes(0));
  const auto database = folder.path() / "a.db", photos = folder.path() / "photos";
  ASSERT_EQ(Extract(database, photos, {"--SuperPoint.scales", "1,0.5"}).status, 0);
  {
    ColmapDatabase opened(database, DatabaseMode::kReadOnly);
    const KeypointsBlob keypoints = opened.ReadKeypoints(1);
    EXPECT_EQ(keypoints.cols, 4);
    EXPECT_THAT(keypoints.scales, testing::Contains(2.F));
    EXPECT_THAT(keypoints.scales, testing::Each(testing::AnyOf(1.F, 2.F)));
  }
  const ProgramResult other = Extract(database, photos, {"--SuperPoint.scales", "1"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr("scales 1,0.5")) << "two kinds of features are not mixed";
  for (const char* bad : {"1,9", "0", "1,1", "one", "-1"}) {
    const ProgramResult refused = Extract(folder.path() / "bad.db", photos, {"--SuperPoint.scales", bad});
    EXPECT_EQ(refused.status, 1) << bad;
    EXPECT_THAT(refused.output, HasSubstr("SuperPoint.scales")) << bad;
    EXPECT_FALSE(fs::exists(folder.path() / "bad.db")) << bad;
  }
  const auto as_it_is = folder.path() / "as_it_is.db";
  ASSERT_EQ(Extract(as_it_is, photos, {"--SuperPoint.scales", "1"}).status, 0);
  EXPECT_EQ(ColmapDatabase(as_it_is, DatabaseMode::kReadOnly).ReadKeypoints(1).cols, 2);
}

}  // namespace
}  // namespace colmatch
