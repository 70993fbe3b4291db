// `colmatch matches_importer` on lists of matches: what is written, what is left out, COLMAP 3.8 as the
// judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/database_io/database_test_util.h"
#include "tests/plugin/program.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Three images of 60 points in space, seen by a camera that moves sideways: keypoint i is the same point in
// all.
class MatchesImport : public testing::Test {
 protected:
  void SetUp() override {
    ColmapDatabase database(path_, DatabaseMode::kCreateOrOpen);
    database.AddCamera({0, 0, 640, 480, {500, 320, 240}, true});
    database.AddCamera({0, 0, 640, 480, {500, 320, 240}, false});
    for (int k = 0; k < 3; ++k) {
      // With a blank in the last name, which COLMAP's own importer cannot read.
      const image_t id = database.AddImage(
          {0, k < 2 ? std::string(1, char('a' + k)) + ".jpg" : "my c.jpg", k < 2 ? 1u : 2u, {}});
      KeypointsBlob keypoints{kNumPoints, 2, {}};
      for (size_t i = 0; i < kNumPoints; ++i) {
        const double t = static_cast<double>(i);
        const double x = std::sin(t * 1.3) * 2, y = std::cos(t * 2.1) * 1.5, z = 5 + 2 * std::sin(t * 0.7);
        keypoints.xy.push_back(static_cast<float>(320 + 500 * (x - 0.5 * k) / z));
        keypoints.xy.push_back(static_cast<float>(240 + 500 * (y - 0.1 * k) / z));
      }
      database.WriteKeypoints(id, keypoints);
      database.WriteDescriptors(id, {0, 128, {}});
    }
  }
  // The first `good` keypoints with themselves, the others wrongly.
  static std::string Block(const std::string& names, int good, int bad = 0) {
    std::string text = names + "\n";
    for (int i = 0; i < good + bad; ++i)
      text += std::to_string(i) + " " + std::to_string(i < good ? i : good + (i * 7 + 3) % bad) + "\n";
    return text + "\n";
  }
  ProgramResult Import(const std::string& list, const std::string& type, const std::string& database) const {
    return RunColmatch({"matches_importer", "--database_path", database, "--match_list_path",
                        folder_.Write("list.txt", list), "--match_type", type, "--num_threads", "1"});
  }
  ProgramResult Import(const std::string& list, const std::string& type) const {
    return Import(list, type, path_);
  }
  std::string Pairs(const std::string& path) const {
    return Dump(path, "matches", "pair_id,rows,cols,data") + "\n" +
           Dump(path, "two_view_geometries", "pair_id,rows,cols,data,config,F,E,H");
  }
  std::string Copy(const std::string& name) const {
    std::filesystem::copy_file(path_, folder_.File(name), std::filesystem::copy_options::overwrite_existing);
    return folder_.File(name);
  }

  static constexpr size_t kNumPoints = 60;
  TemporaryFolder folder_;
  const std::string path_ = folder_.File("a.db");
};

TEST_F(MatchesImport, RawMatchesAreWrittenAndVerifiedWhicheverWayRoundTheListNamesThem) {
  std::string list = "b.jpg a.jpg\n";
  for (int i = 0; i < 50; ++i) list += std::to_string(i) + " " + std::to_string(i < 40 ? i : i + 5) + "\n";
  const ProgramResult result = Import(list, "raw");
  EXPECT_EQ(result.status, 0) << result.output;
  ColmapDatabase database(path_, DatabaseMode::kReadOnly);
  EXPECT_EQ(database.ReadMatches(1, 2)[45], (std::array<uint32_t, 2>{50, 45})) << "columns of (a, b)";
  const TwoViewGeometry geometry = database.ReadTwoViewGeometry(1, 2);
  EXPECT_GE(geometry.inlier_matches.size(), 40u);
  EXPECT_LT(geometry.inlier_matches.size(), 47u);
  EXPECT_TRUE(geometry.F.has_value());
  EXPECT_FALSE(database.ReadPairProvenance(1, 2).has_value()) << "colmatch did not make them";
}

TEST_F(MatchesImport, InliersAreTakenAsTheyAreWithTheConfigurationOfTheCameras) {
  EXPECT_EQ(Import(Block("a.jpg b.jpg", 5, 20) + Block("a.jpg my c.jpg", 3), "inliers").status, 0);
  ColmapDatabase database(path_, DatabaseMode::kReadOnly);
  const TwoViewGeometry calibrated = database.ReadTwoViewGeometry(1, 2);
  EXPECT_EQ(calibrated.inlier_matches.size(), 25u);
  EXPECT_EQ(calibrated.config, TwoViewConfig::kCalibrated);
  EXPECT_FALSE(calibrated.F || calibrated.E || calibrated.H || calibrated.qvec);
  EXPECT_EQ(database.ReadMatches(1, 2), calibrated.inlier_matches) << "or the next matcher throws them away";
  EXPECT_EQ(database.ReadTwoViewGeometry(1, 3).config, TwoViewConfig::kUncalibrated);
}

TEST_F(MatchesImport, ABadPairIsNamedAndNothingOfItIsWrittenAndTheOthersAre) {
  const ProgramResult result =
      Import(Block("a.jpg b.jpg", 30) + "a.jpg my c.jpg\n0 0\n1 60\n\nghost.jpg a.jpg\n0 0\n\n" +
                 Block("b.jpg my c.jpg", 30),
             "raw");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.output, AllOf(HasSubstr("keypoint 60 of \"my c.jpg\", which has 60"),
                                   HasSubstr("\"ghost.jpg\": is not in the database")));
  ColmapDatabase database(path_, DatabaseMode::kReadOnly);
  EXPECT_EQ(database.AllMatchedPairs().size(), 2u);
  EXPECT_FALSE(database.HasMatches(1, 3) || database.HasTwoViewGeometry(1, 3));
}

TEST_F(MatchesImport, RepeatedAfterPartOfTheListEndsInTheSameTablesAndOtherMatchesStay) {
  const std::string first = Block("a.jpg b.jpg", 30, 10), second = Block("my c.jpg b.jpg", 25, 12);
  const std::string parts = Copy("parts.db");
  ASSERT_EQ(Import(first + second, "raw").status, 0);
  ASSERT_EQ(Import(first, "raw", parts).status, 0);
  const ProgramResult again = Import(first + second, "raw", parts);
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("1 pairs were there already"));
  EXPECT_EQ(Pairs(parts), Pairs(path_));
  const std::string before = Pairs(path_);
  const ProgramResult other = Import(Block("a.jpg b.jpg", 31), "raw");
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.output, HasSubstr("a.jpg b.jpg: this pair has other matches already"));
  EXPECT_EQ(Pairs(path_), before);
}

TEST_F(MatchesImport, AListOfWhichNothingCanBeUsedOrThatCannotBeOpenedIsOneError) {
  const std::string before = Pairs(path_);
  const ProgramResult unusable = Import("x.jpg y.jpg\n0 0\n", "raw");
  EXPECT_EQ(unusable.status, 2);
  EXPECT_THAT(unusable.output, HasSubstr("error: " + folder_.File("list.txt") + ": nothing in this list"));
  EXPECT_EQ(Import("", "raw").status, 0) << "an empty list asks for nothing";
  for (const std::string& path : {folder_.File("no.txt"), folder_.path().string()}) {
    const ProgramResult result = RunColmatch(
        {"matches_importer", "--database_path", path_, "--match_list_path", path, "--match_type", "inliers"});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.output, HasSubstr("cannot open"));
  }
  EXPECT_EQ(Import("a.jpg b.jpg\n", "both").status, 1);
  EXPECT_EQ(Pairs(path_), before);
}

// --- COLMAP 3.8 reads the same list
// -------------------------------------------------------------------------

class MatchesImportJudge : public MatchesImport {
 protected:
  void SetUp() override {
    if (RunCommand("colmap help", folder_.File("log")) != 0) GTEST_SKIP() << "no colmap on PATH";
    if (ReadBytes(folder_.File("log")).find("COLMAP 3.8") == std::string::npos)
      GTEST_SKIP() << "the colmap on PATH is not 3.8";
    MatchesImport::SetUp();
  }
  std::string ImportWithColmap(const std::string& list, const std::string& type) const {
    const std::string copy = Copy("colmap.db");
    EXPECT_EQ(RunCommand("colmap matches_importer --SiftMatching.use_gpu 0 --database_path '" + copy +
                             "' --match_list_path '" + folder_.Write("list.txt", list).string() +
                             "' --match_type " + type,
                         folder_.File("log")),
              0)
        << ReadBytes(folder_.File("log"));
    return copy;
  }
};

TEST_F(MatchesImportJudge, InliersBecomeTheSameGeometries) {
  const std::string list = Block("b.jpg a.jpg", 20, 10);
  const std::string theirs = ImportWithColmap(list, "inliers");
  ASSERT_EQ(Import(list, "inliers").status, 0);
  const auto geometries = [](const std::string& path) {
    return Dump(path, "two_view_geometries", "pair_id,rows,cols,data,config");
  };
  EXPECT_EQ(geometries(path_), geometries(theirs));
  // What COLMAP imported is left as it is, though it wrote no matches.
  const ProgramResult again = Import(list, "inliers", theirs);
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("1 pairs were there already"));
}

TEST_F(MatchesImportJudge, RawMatchesBecomeTheSameMatchesAndAsManyInliers) {
  const std::string list = Block("b.jpg a.jpg", 40, 9);
  const std::string theirs = ImportWithColmap(list, "raw");
  ASSERT_EQ(Import(list, "raw").status, 0);
  const auto matches = [](const std::string& path) {
    return Dump(path, "matches", "pair_id,rows,cols,data");
  };
  EXPECT_EQ(matches(path_), matches(theirs));
  ColmapDatabase ours(path_, DatabaseMode::kReadOnly), colmap(theirs, DatabaseMode::kReadOnly);
  const auto expected = static_cast<double>(colmap.ReadTwoViewGeometry(1, 2).inlier_matches.size());
  EXPECT_GE(expected, 40);
  EXPECT_NEAR(static_cast<double>(ours.ReadTwoViewGeometry(1, 2).inlier_matches.size()), expected, 2);
}

}  // namespace
}  // namespace colmatch
