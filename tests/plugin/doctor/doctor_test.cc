// `colmatch doctor`: what it says of this machine and of databases good, damaged, absent and of others.
#include "plugin/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "database_io/colmap_database.h"
#include "plugin/runtime/handover.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const DoctorCheck& Named(const std::vector<DoctorCheck>& checks, const std::string& name) {
  for (const DoctorCheck& check : checks) {
    if (check.name == name) return check;
  }
  throw std::runtime_error("there is no check " + name);
}

bool Healthy(const std::vector<DoctorCheck>& checks) {
  for (const DoctorCheck& check : checks) {
    if (check.health == Health::kProblem) return false;
  }
  return true;
}

// Three images of three keypoints by colmatch, one pair matched and verified.
std::string SomeDatabase(const TemporaryFolder& folder, const std::string& provenance) {
  const std::string path = folder.File("db.db");
  ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
  Camera camera;
  camera.model_id = 0;
  camera.width = camera.height = 100;
  camera.params = {100, 50, 50};
  const camera_t camera_id = database.AddCamera(camera);
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) {
    Image image;
    image.name = name;
    image.camera_id = camera_id;
    const image_t id = database.AddImage(image);
    database.WriteKeypoints(id, {3, 2, {1, 1, 2, 2, 3, 3}});
    database.WriteDescriptors(id, {3, 2, {1, 0, 0, 1, 1, 0}});
    if (!provenance.empty()) database.WriteImageProvenance(id, provenance, {});
  }
  database.WriteMatches(1, 2, {{0, 0}, {1, 1}});
  TwoViewGeometry geometry;
  geometry.config = TwoViewConfig::kCalibrated;
  geometry.inlier_matches = {{0, 0}};
  database.WriteTwoViewGeometry(1, 2, geometry);
  return path;
}

TEST(Doctor, AGoodDatabaseIsToldWithItsCountsAndWhatComesNext) {
  TemporaryFolder folder;
  const auto checks = CheckDatabase(SomeDatabase(folder, "superpoint abc nms_radius 4"), {});
  EXPECT_TRUE(Healthy(checks));
  EXPECT_EQ(Named(checks, "integrity_check").found, "ok");
  EXPECT_THAT(Named(checks, "database").found,
              HasSubstr("1 cameras, 3 images, 3 with features, 9 keypoints"));
  EXPECT_THAT(Named(checks, "features").found, HasSubstr("3 images by superpoint abc"));
  EXPECT_EQ(Named(checks, "features").health, Health::kNote) << "of other weights than the default ones";
  EXPECT_THAT(Named(checks, "pairs").found, HasSubstr("1 of 3 matched, 0 without geometry, 1 verified"));
  EXPECT_THAT(Named(checks, "pairs").found, HasSubstr("exhaustive_matcher does the other 2"));
}

TEST(Doctor, FeaturesWithoutNotesAreNoOtherPrograms) {
  TemporaryFolder folder;
  const auto checks = CheckDatabase(SomeDatabase(folder, ""), {});
  EXPECT_THAT(Named(checks, "features").found, HasSubstr("3 images without a note"));
  EXPECT_EQ(Named(checks, "features").health, Health::kNote);
  EXPECT_THAT(Named(checks, "features").advice, HasSubstr("recognises them"));
}

TEST(Doctor, FeaturesOfAnotherProgramAreNoted) {
  TemporaryFolder folder;
  const std::string path = SomeDatabase(folder, "");
  Connection(path, OpenMode::kReadWrite).Execute("UPDATE descriptors SET cols = 128, type = 0");
  const auto checks = CheckDatabase(path, {});
  EXPECT_THAT(Named(checks, "features").found, HasSubstr("3 images by another program"));
  EXPECT_THAT(Named(checks, "features").advice, HasSubstr("feature_extractor"));
}

TEST(Doctor, FeaturesOfTwoKindsAreAProblem) {
  TemporaryFolder folder;
  const std::string path = SomeDatabase(folder, "superpoint abc");
  ColmapDatabase(path, DatabaseMode::kOpenExisting).WriteImageProvenance(2, "superpoint def", {});
  EXPECT_EQ(Named(CheckDatabase(path, {}), "features").health, Health::kProblem);
}

TEST(Doctor, AnAbsentDatabaseAndAFileThatIsNoneAreProblems) {
  TemporaryFolder folder;
  EXPECT_FALSE(Healthy(CheckDatabase(folder.File("absent.db"), {})));
  EXPECT_FALSE(fs::exists(folder.File("absent.db")));
  EXPECT_FALSE(Healthy(CheckDatabase(folder.Write("text.db", std::string(4096, 'x')), {})));
  EXPECT_FALSE(Healthy(CheckDatabase(folder.path(), {})));
}

TEST(Doctor, ADamagedDatabaseIsAProblemAndStaysAsItIs) {
  TemporaryFolder folder;
  const std::string path = SomeDatabase(folder, "superpoint abc");
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  constexpr int kPage = 16384;
  file.seekp(kPage);
  file << std::string(2 * kPage, '\x5A');
  file.close();
  const auto read = [&] {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const std::string before = read();
  EXPECT_FALSE(Healthy(CheckDatabase(path, {})));
  EXPECT_EQ(read(), before);
}

TEST(Doctor, TheMachineAndTheWeightsAreNamed) {
  const auto checks = CheckMachine({});
  EXPECT_THAT(Named(checks, "CPU paths").found, HasSubstr("int8 layers"));
  EXPECT_THAT(Named(checks, "matrix products").found, HasSubstr("GFLOP/s"));
  for (const char* name : {"SuperPoint weights", "SuperGlue weights"}) {
    EXPECT_THAT(Named(checks, name).found, HasSubstr("licence Apache-2.0"));
    EXPECT_THAT(Named(checks, name).found, HasSubstr("SHA-256 "));
  }
  CommonOptions missing;
  missing.weights = "no_such_weights";
  EXPECT_FALSE(Healthy(CheckMachine(missing)));
}

TEST(Doctor, TheExitStatusIsThreeWhereSomethingNeededIsBroken) {
  TemporaryFolder folder;
  const ProgramResult absent = RunColmatch({"doctor", "--database_path", folder.File("absent.db")});
  EXPECT_EQ(absent.status, 3);
  EXPECT_THAT(absent.output, HasSubstr("PROBLEM database: there is no database"));
  const ProgramResult lost = RunColmatch({"doctor"}, -1, {"PATH=/nonexistent"});
  EXPECT_EQ(lost.status, 3);
  EXPECT_THAT(lost.output, HasSubstr("apt-get install colmap"));
}

TEST(Doctor, AllIsWellHereAndTheJsonSaysTheSame) {
  if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
  TemporaryFolder folder;
  const ProgramResult result = RunColmatch({"doctor", "--json", folder.File("doctor.json")});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("OK      COLMAP: COLMAP "));
  std::ifstream file(folder.File("doctor.json"));
  const auto json = nlohmann::json::parse(file);
  EXPECT_TRUE(json["healthy"].get<bool>());
  const auto lines = std::count(result.output.begin(), result.output.end(), '\n');
  EXPECT_EQ(json["checks"].size(), static_cast<size_t>(lines)) << "a line a check";
}

}  // namespace
}  // namespace colmatch
