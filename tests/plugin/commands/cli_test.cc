// The program from outside: exit statuses, messages, what is left behind. DESIGN.md section 4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "database_io/colmap_database.h"
#include "plugin/runtime/colmap_program.h"
#include "tests/plugin/extract_photos.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

ProgramResult MatchAll(const fs::path& database, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"exhaustive_matcher", "--database_path", database, "--num_threads",
                                        "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunColmatch(arguments);
}

// Everything a resume must reproduce, in order.
std::string Tables(const fs::path& path) {
  ColmapDatabase database(path, DatabaseMode::kReadOnly);
  std::ostringstream out;
  for (const Image& image : database.Images()) {
    out << image.name << ' ' << image.image_id << ' ' << image.camera_id;
    for (const float value : database.ReadKeypoints(image.image_id).xy) out << ' ' << value;
    for (const float value : database.ReadDescriptors(image.image_id).values) out << ' ' << value;
    out << '\n';
  }
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    out << id1 << ' ' << id2;
    for (const auto& m : database.ReadMatches(id1, id2)) out << ' ' << m[0] << ':' << m[1];
    if (database.HasTwoViewGeometry(id1, id2)) {
      const auto geometry = database.ReadTwoViewGeometry(id1, id2);
      out << " config " << static_cast<int>(geometry.config);
      for (const auto& m : geometry.inlier_matches) out << ' ' << m[0] << ':' << m[1];
    }
    out << '\n';
  }
  return out.str();
}

TEST(Program, HelpExplainsEveryCommandAndExitsZero) {
  const ProgramResult help = RunColmatch({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* command :
       {"feature_extractor", "exhaustive_matcher", "geometric_verifier", "match", "train",
        "automatic_reconstructor", "weights", "evaluate", "prepare_shards", "demo_scene"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    EXPECT_EQ(RunColmatch({command, "--help"}).status, 0) << command;
  }
}

TEST(Program, UnknownOptionsAndMissingValuesAreUsageErrors) {
  EXPECT_EQ(RunColmatch({"feature_extractor", "--no_such_option", "1"}).status, 1);
  const ProgramResult missing = RunColmatch({"feature_extractor", "--image_path", "photos"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.output, HasSubstr("--database_path is required"));
  EXPECT_EQ(RunColmatch({"feature_extractor", "--database_path"}).status, 1);
  EXPECT_EQ(RunColmatch({"exhaustive_matcher"}).status, 1);
  EXPECT_EQ(RunColmatch({}).status, 0) << "the help, as COLMAP does";
}

TEST(Program, OptionsOutOfRangeAreNamed) {
  TemporaryFolder folder;
  const auto database = folder.path() / "x.db";
  const struct {
    std::vector<std::string> arguments;
    const char* named;
  } cases[] = {{{"--SuperPoint.keypoint_threshold", "-1"}, "keypoint_threshold"},
               {{"--SuperPoint.nms_radius", "-3"}, "nms_radius"},
               {{"--num_threads", "0"}, "num_threads"},
               {{"--device", "tpu"}, "--device"},
               {{"--precision", "int8"}, "--precision int8: feature_extractor"},
               {{"--ImageReader.camera_model", "NO_MODEL"}, "NO_MODEL"},
               {{"--ImageReader.existing_camera_id", "7"}, "existing_camera_id"}};
  for (const auto& c : cases) {
    const ProgramResult result = Extract(database, TestPhotos(), c.arguments);
    EXPECT_EQ(result.status, 1) << c.named << '\n' << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.named));
  }
}

TEST(Program, ACommandThatNobodyHasIsAUsageError) {
  const ProgramResult result = RunColmatch({"no_such_command"}, -1, {"PATH=/nonexistent"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("no_such_command"));
}

TEST(Program, OtherCommandsAreHandedToColmap) {
  if (!FindColmap()) GTEST_SKIP() << "colmap is not on PATH";
  TemporaryFolder folder;
  const auto database = folder.path() / "made_by_colmap.db";
  EXPECT_EQ(RunColmatch({"database_creator", "--database_path", database}).status, 0);
  EXPECT_TRUE(fs::exists(database));
}

TEST(FeatureExtractor, MissingOrEmptyFoldersAreUsageErrorsAndMakeNoDatabase) {
  TemporaryFolder folder;
  const auto database = folder.path() / "x.db";
  EXPECT_EQ(Extract(database, folder.path() / "missing").status, 1);
  fs::create_directory(folder.path() / "empty");
  EXPECT_EQ(Extract(database, folder.path() / "empty").status, 1);
  EXPECT_FALSE(fs::exists(database));
}

TEST(FeatureExtractor, BadPhotosAreNamedAndTheOthersAreDone) {
  TemporaryFolder folder;
  const auto photos = CopyOfTestPhotos(folder);
  folder.Write("photos/text.jpg", std::string("this is not a photo"));
  const std::string jpeg = ReadWholeFile(TestPhotos() / "courtyard_00.jpg");
  folder.Write("photos/half.jpg", jpeg.substr(0, jpeg.size() / 2));
  const auto database = folder.path() / "x.db";
  const ProgramResult result = Extract(database, photos);
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("text.jpg"));
  EXPECT_THAT(result.output, HasSubstr("half.jpg"));
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  EXPECT_EQ(opened.Counts().images, 4) << "only whole photos may be in the database";
}

TEST(FeatureExtractor, FilesThatAreNoPhotosByTheirNameAreToldButAreNoFailure) {
  TemporaryFolder folder;
  const auto photos = CopyOfTestPhotos(folder);
  folder.Write("photos/LICENSE.txt", std::string("CC0"));
  folder.Write("photos/sub/labels.json", std::string("{}"));
  const auto database = folder.path() / "x.db";
  const ProgramResult result = Extract(database, photos);
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("no photos by their suffix"));
  EXPECT_THAT(result.output, HasSubstr("LICENSE.txt and 1 more"));
  EXPECT_EQ(ColmapDatabase(database, DatabaseMode::kReadOnly).Counts().images, 4);
}

// The image libraries would print their own words beside ours, without the file's name.
TEST(FeatureExtractor, ABadPhotoIsToldInOneLine) {
  TemporaryFolder folder;
  const auto photos = CopyOfTestPhotos(folder);
  const cv::Mat picture = cv::imread(photos / "courtyard_00.jpg");
  const std::vector<std::string> suffixes = {".png", ".tif", ".webp", ".bmp", ".ppm", ".jpg"};
  for (const std::string& suffix : suffixes) {
    std::vector<unsigned char> bytes;
    ASSERT_TRUE(cv::imencode(suffix, picture, bytes));
    folder.Write("photos/cut" + suffix,
                 std::vector<std::uint8_t>(bytes.begin(), bytes.begin() + bytes.size() / 2));
    for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 64; ++i)
      bytes[i] = static_cast<unsigned char>(37 * i);
    folder.Write("photos/damaged" + suffix, bytes);
  }
  const ProgramResult result = Extract(folder.path() / "x.db", photos, {"--progress", "off"});
  EXPECT_EQ(result.status, 2) << result.output;
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.find("warning skipped ") == 0 || line.find("info ") == 0) << line;
  }
}

TEST(FeatureExtractor, AFlatPhotoHasRowsWithoutKeypointsAndCanBeMatched) {
  TemporaryFolder folder;
  const auto photos = CopyOfTestPhotos(folder);
  cv::imwrite(photos / "flat.png", cv::Mat(300, 400, CV_8U, cv::Scalar(128)));
  cv::imwrite(photos / "tiny.png", cv::Mat(5, 3, CV_8U, cv::Scalar(10)));
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, photos).status, 0);
  ASSERT_EQ(MatchAll(database).status, 0);
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  for (const char* name : {"flat.png", "tiny.png"}) {
    const auto id = opened.FindImage(name)->image_id;
    EXPECT_TRUE(opened.HasKeypoints(id) && opened.HasDescriptors(id)) << name;
    EXPECT_TRUE(opened.ReadMatches(id, opened.FindImage("courtyard_00.jpg")->image_id).empty());
  }
  EXPECT_EQ(opened.Counts().matched_pairs, 15);
}

TEST(FeatureExtractor, NamesWithBlanksQuotesAndUnicodeAreStoredAsTheyAre) {
  TemporaryFolder folder;
  const std::string name = "sub folder/it's \"ü図\" %s.jpg";
  folder.Write("photos/" + name, ReadWholeFile(TestPhotos() / "courtyard_00.jpg"));
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, folder.path() / "photos").status, 0);
  EXPECT_TRUE(ColmapDatabase(database, DatabaseMode::kReadOnly).FindImage(name).has_value());
}

TEST(Resume, ASecondRunDoesNothingAndChangesNothing) {
  TemporaryFolder folder;
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, TestPhotos()).status, 0);
  ASSERT_EQ(MatchAll(database).status, 0);
  const std::string before = Tables(database);
  const ProgramResult extraction = Extract(database, TestPhotos()), matching = MatchAll(database);
  EXPECT_THAT(extraction.output, HasSubstr("0 photos, 0 keypoints; 4 were there already"));
  EXPECT_THAT(matching.output, HasSubstr("6 pairs were there already"));
  EXPECT_EQ(Tables(database), before);
}

TEST(Resume, TheSameSeedGivesTheSameTablesInAnotherFile) {
  TemporaryFolder folder;
  for (const char* name : {"a.db", "b.db"}) {
    ASSERT_EQ(Extract(folder.path() / name, TestPhotos()).status, 0);
    ASSERT_EQ(MatchAll(folder.path() / name).status, 0);
  }
  EXPECT_EQ(Tables(folder.path() / "a.db"), Tables(folder.path() / "b.db"));
}

TEST(Resume, OtherOptionsAreRefusedInsteadOfMixed) {
  TemporaryFolder folder;
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, TestPhotos()).status, 0);
  const std::string before = Tables(database);
  const ProgramResult other = Extract(database, TestPhotos(), {"--SuperPoint.nms_radius", "8"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr("nms_radius 8"));
  EXPECT_EQ(Tables(database), before);
}

TEST(Resume, AfterASignalTheSameCommandEndsInTheSameTables) {
  TemporaryFolder folder;
  const auto whole = folder.path() / "whole.db", broken = folder.path() / "broken.db";
  ASSERT_EQ(Extract(whole, TestPhotos()).status, 0);
  bool interrupted = false;
  for (const int after_ms : {700, 1500, 2500}) {
    const ProgramResult stopped =
        RunColmatch({"feature_extractor", "--database_path", broken, "--image_path", TestPhotos(),
                     "--num_threads", "1", "--SuperPoint.max_num_features", "400"},
                    after_ms);
    interrupted |= stopped.status == 143;
    EXPECT_TRUE(stopped.status == 143 || stopped.status == 0) << stopped.output;
  }
  ASSERT_EQ(Extract(broken, TestPhotos()).status, 0);
  EXPECT_EQ(Tables(broken), Tables(whole));
  if (!interrupted) GTEST_SKIP() << "this machine finished before the first signal";
}

TEST(Database, FeaturesOfAnotherProgramAreNotTouched) {
  TemporaryFolder folder;
  const auto database = folder.path() / "sift.db";
  {
    ColmapDatabase made(database, DatabaseMode::kCreateOrOpen);
    Camera camera;
    camera.model_id = 2;
    camera.width = 400;
    camera.height = 300;
    camera.params = {480, 200, 150, 0};
    Image image;
    image.name = "courtyard_00.jpg";
    image.camera_id = made.AddCamera(camera);
    const auto id = made.AddImage(image);
    KeypointsBlob keypoints;
    keypoints.rows = 1;
    keypoints.xy = {10.5f, 20.5f};
    made.WriteKeypoints(id, keypoints);
  }
  EXPECT_EQ(Extract(database, TestPhotos()).status, 1);
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  EXPECT_EQ(opened.ReadKeypoints(1).rows, 1u);
  EXPECT_EQ(opened.Counts().images, 1);
}

TEST(Database, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  TemporaryFolder folder;
  const auto database = folder.Write("x.db", std::string(5000, 'x'));
  const ProgramResult result = Extract(database, TestPhotos());
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, HasSubstr("x.db"));
  EXPECT_EQ(ReadWholeFile(database), std::string(5000, 'x'));
}

TEST(Database, ALockOfAnotherProgramIsWaitedForAndThenReported) {
  TemporaryFolder folder;
  const auto database = folder.path() / "x.db";
  ASSERT_EQ(Extract(database, TestPhotos()).status, 0);
  ColmapDatabase holder(database, DatabaseMode::kOpenExisting);
  Transaction lock = holder.BeginTransaction();
  const ProgramResult result = MatchAll(database, {"--busy_timeout", "0.3"});
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, HasSubstr("lock"));
}

TEST(Database, AMissingDatabaseIsNotMadeByTheMatcher) {
  TemporaryFolder folder;
  EXPECT_EQ(MatchAll(folder.path() / "missing.db").status, 3);
  EXPECT_FALSE(fs::exists(folder.path() / "missing.db"));
}

}  // namespace
}  // namespace colmatch
