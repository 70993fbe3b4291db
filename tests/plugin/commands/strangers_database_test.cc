// Databases that strangers bring: photos replaced, files merged by COLMAP, image number 0, vocabulary trees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "database_io/colmap_database.h"
#include "plugin/runtime/handover.h"
#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> Joined(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class StrangersDatabase : public testing::Test {
 protected:
  // The photos 2 * part and 2 * part + 1 in a folder of their own, extracted and matched.
  std::string Half(int part) const {
    const std::string name = "half" + std::to_string(part);
    const fs::path photos = folder_.path() / name;
    fs::create_directories(photos);
    for (int i = 2 * part; i < 2 * part + 2; ++i) {
      const std::string photo = "courtyard_0" + std::to_string(i) + ".jpg";
      fs::copy(TestPhotos() / photo, photos / photo);
    }
    const std::string database = folder_.File(name + ".db");
    EXPECT_EQ(RunColmatch(ExtractArguments(database, photos)).status, 0);
    EXPECT_EQ(RunColmatch(MatchArguments(database)).status, 0);
    return database;
  }
  static DatabaseCounts CountsOf(const std::string& database) {
    return ColmapDatabase(database, DatabaseMode::kReadOnly).Counts();
  }
  TemporaryFolder folder_;
};

TEST_F(StrangersDatabase, MatchesOfFeaturesThatWereMadeAnewAreMatchedAnew) {
  const auto photos = CopyOfTestPhotos(folder_);
  const std::string database = folder_.File("a.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(database, photos)).status, 0);
  ASSERT_EQ(RunColmatch(MatchArguments(database)).status, 0);
  const std::string before = AllRows(database);
  // As COLMAP's database_cleaner, or a person with sqlite3, deletes them: the pairs stay.
  Connection(database, OpenMode::kReadWrite)
      .Execute(
          "PRAGMA foreign_keys = ON; DELETE FROM keypoints WHERE image_id = 2; DELETE FROM descriptors WHERE "
          "image_id = 2");
  const ProgramResult broken = RunColmatch({"doctor", "--database_path", database, "--weights", "fast"});
  EXPECT_EQ(broken.status, 3);
  EXPECT_THAT(broken.output, HasSubstr("PROBLEM matches: 3 pairs"));
  fs::copy_file(photos / "courtyard_03.jpg", photos / "courtyard_01.jpg",
                fs::copy_options::overwrite_existing);
  const ProgramResult extracted = RunColmatch(ExtractArguments(database, photos));
  EXPECT_EQ(extracted.status, 0) << extracted.output;
  EXPECT_THAT(extracted.output, HasSubstr("courtyard_01.jpg: its features are made anew; 3 pairs"));
  const ProgramResult matched = RunColmatch(MatchArguments(database));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_EQ(CountsOf(database).matched_pairs, 6);
  const ProgramResult healthy = RunColmatch({"doctor", "--database_path", database, "--weights", "fast"});
  EXPECT_THAT(healthy.output, HasSubstr("OK      matches"));
  // The same as matching that photo from the beginning.
  const std::string fresh = folder_.File("fresh.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(fresh, photos)).status, 0);
  ASSERT_EQ(RunColmatch(MatchArguments(fresh)).status, 0);
  ColmapDatabase replaced(database, DatabaseMode::kReadOnly), made(fresh, DatabaseMode::kReadOnly);
  for (const auto& [id1, id2] : made.AllMatchedPairs())
    EXPECT_EQ(replaced.ReadMatches(id1, id2), made.ReadMatches(id1, id2));
  EXPECT_NE(AllRows(database), before);
}

TEST_F(StrangersDatabase, FeaturesThatAnotherProgramReplacedMakeTheirMatchesOutdated) {
  const std::string database = Half(0);
  // Other keypoints of the same number under the same note.
  Connection(database, OpenMode::kReadWrite)
      .Execute(
          "UPDATE keypoints SET data = (SELECT data FROM keypoints WHERE image_id = 2) WHERE image_id = 1");
  const ProgramResult verified =
      RunColmatch({"geometric_verifier", "--database_path", database, "--num_threads", "1"});
  EXPECT_EQ(verified.status, 2) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("made anew since"));
  const ProgramResult matched = RunColmatch(MatchArguments(database));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_THAT(matched.output, Not(HasSubstr("1 pairs were there already")));
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  EXPECT_FALSE(opened.ReadPairProvenance(1, 2)->outdated);
}

TEST_F(StrangersDatabase, PairsOfAnOlderColmatchWithoutNotesOfTheirFeaturesStay) {
  const std::string database = Half(0);
  Connection(database, OpenMode::kReadWrite)
      .Execute(
          "UPDATE colmatch_pairs SET provenance = substr(provenance, 1, instr(provenance, ' features ') - "
          "1)");
  const ProgramResult matched = RunColmatch(MatchArguments(database));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_THAT(matched.output, HasSubstr("1 pairs were there already"));
}

TEST_F(StrangersDatabase, TwoDatabasesMergedByColmatchAreMatchedOnWithAllScores) {
  const std::string a = Half(0), b = Half(1), merged = folder_.File("ab.db");
  const std::string before_a = AllRows(a), before_b = AllRows(b);
  const std::vector<std::string> merge = {
      "database_merger", "--database_path1", a, "--database_path2", b, "--merged_database_path", merged};
  const ProgramResult result = RunColmatch(merge);
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(AllRows(a), before_a);
  EXPECT_EQ(AllRows(b), before_b);
  EXPECT_EQ(RunColmatch(merge).status, 1) << "it is there already";
  const ProgramResult matched = RunColmatch(MatchArguments(merged));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_THAT(matched.output, HasSubstr("2 pairs were there already"));
  EXPECT_THAT(matched.output, Not(HasSubstr("without colmatch's notes")));
  // As if all photos had been there at once.
  const std::string whole = folder_.File("whole.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(whole)).status, 0);
  ASSERT_EQ(RunColmatch(MatchArguments(whole)).status, 0);
  ColmapDatabase ours(merged, DatabaseMode::kReadOnly), theirs(whole, DatabaseMode::kReadOnly);
  EXPECT_EQ(ours.AllMatchedPairs(), theirs.AllMatchedPairs());
  for (const auto& [id1, id2] : theirs.AllMatchedPairs())
    EXPECT_EQ(ours.ReadMatches(id1, id2), theirs.ReadMatches(id1, id2));
  EXPECT_EQ(IntegrityOf(merged), "ok");
  EXPECT_EQ(ours.SharedFrames().size(), theirs.SharedFrames().size());
}

TEST_F(StrangersDatabase, MergingRefusesEqualNamesAndLeavesNothing) {
  const std::string a = Half(0);
  const ProgramResult result = RunColmatch({"database_merger", "--database_path1", a, "--database_path2", a,
                                            "--merged_database_path", folder_.File("aa.db")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("both databases have an image courtyard_00.jpg"));
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("aa.db")));
}

// What COLMAP's database_merger does to our tables.
void DropNotes(const std::string& database) {
  Connection(database, OpenMode::kReadWrite)
      .Execute("DROP TABLE colmatch_pairs; DROP TABLE colmatch_images; DROP TABLE colmatch_meta");
}

TEST_F(StrangersDatabase, AFileThatColmapMergedIsMatchedOnWhichIsSaid) {
  if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
  const std::string a = Half(0), b = Half(1), merged = folder_.File("ab.db");
  ASSERT_EQ(RunProgram({"colmap", "database_merger", "--database_path1", a, "--database_path2", b,
                        "--merged_database_path", merged},
                       folder_.File("log")),
            0);
  const ProgramResult mutual = RunColmatch(Joined(MatchArguments(merged), {"--matcher", "nn_mutual"}));
  EXPECT_EQ(mutual.status, 0) << mutual.output;
  EXPECT_EQ(CountsOf(merged).matched_pairs, 6);
}

TEST_F(StrangersDatabase, AFileThatColmap4MergedIsMatchedOn) {
  const char* const python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (!python) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap";
  const std::string a = Half(0), b = Half(1), merged = folder_.File("ab.db");
  const std::string script =
      "import sys, pycolmap\n"
      "databases = [pycolmap.Database.open(path) for path in sys.argv[1:]]\n"
      "pycolmap.Database.merge(*databases)\n"
      "for database in databases: database.close()\n";
  ASSERT_EQ(RunProgram({python, "-c", script, a, b, merged}, folder_.File("log")), 0);
  const ProgramResult matched = RunColmatch(MatchArguments(merged));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_THAT(matched.output, HasSubstr("have features without colmatch's notes"));
  EXPECT_THAT(matched.output, HasSubstr("2 pairs were there already"));
  EXPECT_EQ(CountsOf(merged).matched_pairs, 6);
  const ProgramResult told = RunColmatch({"doctor", "--database_path", merged});
  EXPECT_THAT(told.output, HasSubstr("4 images without a note"));
}

TEST_F(StrangersDatabase, FeaturesWithoutNotesAreMatchedBySuperGlueAndRecognisedByTheExtractor) {
  const std::string database = folder_.File("a.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(database)).status, 0);
  const std::string whole = folder_.File("whole.db");
  fs::copy(database, whole);
  ASSERT_EQ(RunColmatch(MatchArguments(whole)).status, 0);
  DropNotes(database);
  const ProgramResult matched = RunColmatch(MatchArguments(database));
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_THAT(matched.output,
              HasSubstr("4 of 4 images (courtyard_00.jpg, ...) have features without colmatch's notes"));
  EXPECT_GE(CountsOf(database).verified_pairs * 3, CountsOf(whole).verified_pairs * 2);
  // The extractor makes them again, finds them the same and notes what made them; matches of then are made
  // anew.
  const ProgramResult adopted = RunColmatch(ExtractArguments(database));
  EXPECT_EQ(adopted.status, 0) << adopted.output;
  EXPECT_EQ(RunColmatch(MatchArguments(database)).status, 0);
  ColmapDatabase ours(database, DatabaseMode::kReadOnly), theirs(whole, DatabaseMode::kReadOnly);
  for (const auto& [id1, id2] : theirs.AllMatchedPairs())
    EXPECT_EQ(ours.ReadMatches(id1, id2), theirs.ReadMatches(id1, id2));
  // Others than it makes are refused.
  DropNotes(database);
  const ProgramResult other =
      RunColmatch(Joined(ExtractArguments(database), {"--SuperPoint.nms_radius", "9"}));
  EXPECT_EQ(other.status, 1) << other.output;
}

TEST_F(StrangersDatabase, ImageNumberZeroIsAnImage) {
  const std::string database = folder_.File("a.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(database)).status, 0);
  Connection(database, OpenMode::kReadWrite)
      .Execute(
          "PRAGMA foreign_keys = OFF; UPDATE images SET image_id = image_id - 1; UPDATE keypoints SET "
          "image_id = image_id - 1;"
          "UPDATE descriptors SET image_id = image_id - 1; UPDATE colmatch_images SET image_id = image_id - "
          "1;"
          "UPDATE frame_data SET data_id = data_id - 1");
  const ProgramResult matched = RunColmatch(MatchArguments(database));
  EXPECT_EQ(matched.status, 0) << matched.output;
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  const auto pairs = opened.AllMatchedPairs();
  ASSERT_EQ(pairs.size(), 6u);
  EXPECT_EQ(pairs[0], (std::pair<image_t, image_t>{0, 1}));
  EXPECT_FALSE(opened.ReadMatches(0, 1).empty());
  EXPECT_EQ(RunColmatch(ExtractArguments(database)).status, 0) << "and extraction goes on";
}

TEST_F(StrangersDatabase, VocabularyTreesAreNotNeededAndTheRetrieverAnswersItself) {
  const std::string database = folder_.File("a.db");
  ASSERT_EQ(RunColmatch(ExtractArguments(database)).status, 0);
  const ProgramResult built =
      RunColmatch({"vocab_tree_builder", "--database_path", database, "--vocab_tree_path",
                   folder_.File("tree.bin"), "--num_visual_words", "100"});
  EXPECT_EQ(built.status, 0) << built.output;
  EXPECT_THAT(built.output, HasSubstr("nothing is built"));
  const auto queries = folder_.Write("queries.txt", std::string("courtyard_01.jpg\n"));
  const ProgramResult found =
      RunColmatch({"vocab_tree_retriever", "--database_path", database, "--vocab_tree_path", "none.bin",
                   "--num_images", "2", "--query_image_list_path", queries, "--num_threads", "1"});
  EXPECT_EQ(found.status, 0) << found.output;
  EXPECT_THAT(found.output, HasSubstr("Querying for image courtyard_01.jpg [1/1]\n  image_id="));
  const auto count = [&](const std::string& text) {
    size_t n = 0;
    for (size_t at = found.output.find(text); at != std::string::npos; at = found.output.find(text, at + 1))
      ++n;
    return n;
  };
  EXPECT_EQ(count("image_name="), 2u);
}

}  // namespace
}  // namespace colmatch
