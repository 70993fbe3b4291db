// The commands that choose pairs, on four photos of the demo scene: the same rows as exhaustive matching
// gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "plugin/pairs/sequential_pairs.h"
#include "plugin/pairs/spatial_pairs.h"
#include "plugin/pairs/transitive_pairs.h"
#include "tests/database_io/database_test_util.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<std::string> WithCommonOptions(std::vector<std::string> arguments, const std::string& database) {
  for (const std::string& more : {std::string("--database_path"), database, std::string("--weights"),
                                  std::string("fast"), std::string("--num_threads"), std::string("1")})
    arguments.push_back(more);
  return arguments;
}

// A database with the features of four photos, and the rows of all their pairs: made once a program.
struct Prepared {
  Prepared() {
    extraction = RunColmatch(WithCommonOptions(
        {"feature_extractor", "--image_path", TestPhotos(), "--SuperPoint.max_num_features", "300"},
        features));
    std::filesystem::copy_file(features, exhaustive);
    matching = RunColmatch(WithCommonOptions({"exhaustive_matcher"}, exhaustive));
  }
  TemporaryFolder folder;
  const std::string features = folder.File("features.db"), exhaustive = folder.File("exhaustive.db");
  ProgramResult extraction, matching;
};

class PairCommands : public testing::Test {
 protected:
  void SetUp() override {
    static const Prepared prepared;
    prepared_ = &prepared;
    ASSERT_EQ(prepared.extraction.status, 0) << prepared.extraction.output;
    ASSERT_EQ(prepared.matching.status, 0) << prepared.matching.output;
    std::filesystem::copy_file(prepared.features, path_);
  }
  ProgramResult Run(const std::vector<std::string>& arguments) const {
    return RunColmatch(WithCommonOptions(arguments, path_));
  }
  std::vector<std::pair<image_t, image_t>> MatchedPairs() const {
    return ColmapDatabase(path_, DatabaseMode::kReadOnly).AllMatchedPairs();
  }
  // All rows of pairs, or of one.
  static std::string Rows(const std::string& path, const std::string& where = "") {
    return Dump(path, "matches" + where, "pair_id,rows,data") +
           Dump(path, "two_view_geometries" + where, "pair_id,rows,data,config,F,E,H") +
           Dump(path, "colmatch_pairs" + where, "pair_id,provenance,scores");
  }
  // Every pair that is there is as exhaustive matching makes it.
  void ExpectRowsOfExhaustiveMatching() const {
    for (const auto& [id1, id2] : MatchedPairs()) {
      const std::string where = " WHERE pair_id = " + std::to_string(PairId(id1, id2));
      EXPECT_EQ(Rows(path_, where), Rows(prepared_->exhaustive, where)) << id1 << ' ' << id2;
    }
  }
  void SetPosition(int image_id, double latitude) const {
    Sql(path_, "UPDATE images SET prior_tx = " + std::to_string(latitude) +
                   ", prior_ty = 11, prior_tz = 0 WHERE image_id = " + std::to_string(image_id));
  }

  const Prepared* prepared_ = nullptr;
  TemporaryFolder folder_;
  const std::string path_ = folder_.File("a.db");
};

TEST_F(PairCommands, SequentialMatcherAlsoMatchesPhotosThatLookAlikeWhereLoopsAreSoughtFor) {
  const auto run = [&](const std::string& loops) {
    return Run({"sequential_matcher", "--SequentialMatching.overlap", "1",
                "--SequentialMatching.quadratic_overlap", "0", "--SequentialMatching.loop_detection", loops,
                "--SequentialMatching.loop_detection_period", "1",
                "--SequentialMatching.loop_detection_num_images", "3", "--SequentialMatching.vocab_tree_path",
                "not_needed.bin"});
  };
  ASSERT_EQ(run("0").status, 0);
  EXPECT_EQ(MatchedPairs().size(), 3u) << "of four photos, each with the next";
  const ProgramResult loops = run("1");
  ASSERT_EQ(loops.status, 0) << loops.output;
  EXPECT_EQ(MatchedPairs().size(), 6u);
  ExpectRowsOfExhaustiveMatching();
}

TEST_F(PairCommands, SequentialMatcherTakesItsOptionsFromAProjectFileAndGoesOn) {
  const std::string ini =
      folder_.Write("p.ini", std::string("[SequentialMatching]\noverlap=1\nquadratic_overlap=0\n"));
  const ProgramResult result = Run({"sequential_matcher", "--project_path", ini});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(MatchedPairs(),
              UnorderedElementsAre(std::make_pair(1u, 2u), std::make_pair(2u, 3u), std::make_pair(3u, 4u)));
  ExpectRowsOfExhaustiveMatching();
  const ProgramResult more = Run({"sequential_matcher", "--SequentialMatching.overlap", "10",
                                  "--SequentialMatching.expand_rig_images", "1"});
  EXPECT_EQ(more.status, 0) << more.output;
  EXPECT_THAT(more.output, HasSubstr("3 pairs were there already"));
  EXPECT_EQ(Rows(path_), Rows(prepared_->exhaustive));
}

TEST_F(PairCommands, SpatialMatcherNamesPhotosWithoutPositionAndMatchesTheOthers) {
  SetPosition(1, 48.0);
  SetPosition(2, 48.0005);
  SetPosition(4, 48.01);
  const ProgramResult result =
      Run({"spatial_matcher", "--SpatialMatching.is_gps", "1", "--SpatialMatching.ignore_z", "1",
           "--SpatialMatching.max_distance", "60"});
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("skipped courtyard_02.jpg: has no position"));
  EXPECT_THAT(MatchedPairs(), UnorderedElementsAre(std::make_pair(1u, 2u)));
  ExpectRowsOfExhaustiveMatching();
}

TEST_F(PairCommands, SpatialMatcherWithoutAnyPositionSaysWhatToDo) {
  const ProgramResult result = Run({"spatial_matcher"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.output, AllOf(HasSubstr("none of the 4 images has a position"),
                                   HasSubstr("Use sequential_matcher or exhaustive_matcher")));
}

TEST_F(PairCommands, MatchesImporterMatchesTheListedPairsAndTransitiveMatcherClosesTheirTriangle) {
  const std::string list = folder_.Write(
      "pairs.txt", std::string("# two\ncourtyard_01.jpg courtyard_00.jpg\ncourtyard_01.jpg courtyard_02.jpg\n"
                               "courtyard_01.jpg ghost.jpg\n"));
  const ProgramResult import = Run({"matches_importer", "--match_list_path", list});
  EXPECT_EQ(import.status, 2) << import.output;
  EXPECT_THAT(import.output, HasSubstr("\"ghost.jpg\": is not in the database (line 4)"));
  EXPECT_THAT(MatchedPairs(), UnorderedElementsAre(std::make_pair(1u, 2u), std::make_pair(2u, 3u)));
  const ProgramResult transitive = Run({"transitive_matcher", "--TransitiveMatching.num_iterations", "1",
                                        "--TransitiveMatching.batch_size", "10"});
  EXPECT_EQ(transitive.status, 0) << transitive.output;
  EXPECT_THAT(MatchedPairs(),
              UnorderedElementsAre(std::make_pair(1u, 2u), std::make_pair(2u, 3u), std::make_pair(1u, 3u)));
  ExpectRowsOfExhaustiveMatching();
  EXPECT_EQ(SqlInt64(path_, "SELECT count(*) FROM sqlite_master WHERE name = 'colmatch_transitive'"), 0);
}

TEST_F(PairCommands, AVerifiedPairThatAnotherProgramImportedWithoutMatchesStaysAsItIs) {
  TwoViewGeometry theirs;
  theirs.config = TwoViewConfig::kCalibrated;
  theirs.inlier_matches = {{0, 0}, {1, 1}};
  ColmapDatabase(path_, DatabaseMode::kOpenExisting).WriteTwoViewGeometry(1, 2, theirs);
  const ProgramResult result = Run({"sequential_matcher", "--SequentialMatching.overlap", "1"});
  EXPECT_EQ(result.status, 0) << result.output;
  ColmapDatabase database(path_, DatabaseMode::kReadOnly);
  EXPECT_EQ(database.ReadTwoViewGeometry(1, 2).inlier_matches, theirs.inlier_matches);
  EXPECT_FALSE(database.HasMatches(1, 2));
  EXPECT_TRUE(database.HasMatches(2, 3));
}

TEST_F(PairCommands, OptionsOutOfRangeAreNamedBeforeAnyWork) {
  EXPECT_THAT(Run({"sequential_matcher", "--SequentialMatching.overlap", "0"}).output,
              HasSubstr("--SequentialMatching.overlap must be at least 1, found 0"));
  EXPECT_THAT(Run({"spatial_matcher", "--SpatialMatching.max_num_neighbors", "0"}).output,
              HasSubstr("max_num_neighbors must be at least 1"));
  EXPECT_THAT(Run({"transitive_matcher", "--TransitiveMatching.num_iterations", "0"}).output,
              HasSubstr("num_iterations must be at least 1"));
  EXPECT_THAT(
      Run({"matches_importer", "--match_list_path", path_, "--ImagePairsMatching.block_size", "0"}).output,
      HasSubstr("block_size must be at least 1"));
  EXPECT_THAT(Run({"matches_importer"}).output, HasSubstr("--match_list_path is required"));
  EXPECT_THAT(MatchedPairs(), testing::IsEmpty());
}

// --- COLMAP 3.8 chooses the same pairs
// ----------------------------------------------------------------------

// Twenty images without any feature, so that COLMAP has nothing to do but to choose.
class PairJudge : public testing::Test {
 protected:
  void SetUp() override {
    if (RunCommand("colmap help", Log()) != 0) GTEST_SKIP() << "no colmap on PATH";
    if (ReadBytes(Log()).find("COLMAP 3.8") == std::string::npos)
      GTEST_SKIP() << "the colmap on PATH is not 3.8";
    database_ = std::make_unique<ColmapDatabase>(path_, DatabaseMode::kCreateOrOpen);
    database_->AddCamera(TestCamera());
    for (int i = 0; i < 20; ++i) {
      const image_t id = database_->AddImage(
          {0, std::to_string(i * 7 % 20 + 10) + ".jpg", 1, GeoPosition{48 + i * i * 1e-5, 11, i * 100.0}});
      database_->WriteKeypoints(id, TestKeypoints(0));
      database_->WriteDescriptors(id, {0, 32, {}});
    }
  }
  std::string Log() const { return folder_.File("log.txt"); }
  // Those that the command adds to a copy.
  std::set<std::pair<image_t, image_t>> OfColmap(const std::string& command) {
    const auto before = database_->AllMatchedPairs();
    database_.reset();
    const std::string copy = folder_.File("copy.db");
    std::filesystem::copy_file(path_, copy);
    EXPECT_EQ(
        RunCommand("colmap " + command + " --SiftMatching.use_gpu 0 --database_path '" + copy + "'", Log()),
        0)
        << ReadBytes(Log());
    database_ = std::make_unique<ColmapDatabase>(path_, DatabaseMode::kOpenExisting);
    const auto pairs = ColmapDatabase(copy, DatabaseMode::kReadOnly).AllMatchedPairs();
    std::set<std::pair<image_t, image_t>> added(pairs.begin(), pairs.end());
    for (const auto& pair : before) added.erase(pair);
    return added;
  }
  static std::set<std::pair<image_t, image_t>> OfSource(PairSource&& source) {
    std::set<std::pair<image_t, image_t>> pairs;
    for (auto block = source.Next(); !block.empty(); block = source.Next()) {
      for (const auto& [i, j] : block) pairs.emplace(i + 1, j + 1);
    }
    return pairs;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.File("a.db");
  std::unique_ptr<ColmapDatabase> database_;
};

TEST_F(PairJudge, SequentialPairsHoldThoseOfColmap) {
  const auto theirs = OfColmap("sequential_matcher --SequentialMatching.overlap 5");
  // Its overlap ends one image earlier, and 2^4 is the largest step.
  const auto same = OfSource(ListedPairs(SequentialPairs(database_->Images(), {}, {4, false, true})));
  auto expected = same;
  for (const auto& pair : OfSource(ListedPairs(SequentialPairs(database_->Images(), {}, {5, true, true})))) {
    if (theirs.count(pair) != 0) expected.insert(pair);
  }
  EXPECT_EQ(theirs, expected);
  EXPECT_EQ(theirs.size(), 19u + 18 + 17 + 16 + 12 + 4) << "1, 2, 3, 4, 8 and 16 apart";
}

TEST_F(PairJudge, SpatialPairsAreThoseOfColmap) {
  SpatialOptions options;
  options.max_distance = 28.9;  // no distance is near it: COLMAP's are off by half a metre (float, ECEF)
  std::vector<ImageWithoutPosition> without;
  const auto ours = OfSource(ListedPairs(SpatialPairs(*database_, database_->Images(), options, without)));
  EXPECT_GT(ours.size(), 15u);
  EXPECT_EQ(OfColmap("spatial_matcher --SpatialMatching.max_distance 28.9"), ours);
}

TEST_F(PairJudge, TransitivePairsAreThoseOfColmap) {
  for (const auto& [id1, id2] :
       std::vector<std::pair<image_t, image_t>>{{1, 2}, {2, 3}, {3, 4}, {4, 5}, {7, 6}, {6, 9}, {9, 1}}) {
    TwoViewGeometry geometry;
    geometry.config = TwoViewConfig::kUncalibrated;
    geometry.inlier_matches = {{0, 0}};
    Sql(path_, "DELETE FROM keypoints");  // no numbers to be checked against
    database_->WriteMatches(id1, id2, geometry.inlier_matches);
    database_->WriteTwoViewGeometry(id1, id2, geometry);
  }
  const auto images = database_->Images();
  const auto ours = OfSource(TransitivePairs(*database_, images, {1000, 1}));
  EXPECT_EQ(ours.size(), 6u);
  for (int id = 1; id <= 20; ++id) database_->WriteKeypoints(id, TestKeypoints(1));
  EXPECT_EQ(OfColmap("transitive_matcher --TransitiveMatching.num_iterations 1"), ours);
}

}  // namespace
}  // namespace colmatch
