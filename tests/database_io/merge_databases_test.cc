// Two databases in one: ids, names, notes, and files of other COLMAPs.
#include "database_io/merge_databases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database_io/feature_code.h"
#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

class MergeDatabasesTest : public testing::Test {
 protected:
  // With the images that FillDatabase makes, their names begun with `prefix`.
  std::string Make(const std::string& prefix, const char* schema = nullptr) const {
    const std::string path = folder_.File(prefix + ".db");
    if (schema != nullptr) Sql(path, schema);
    {
      ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
      FillDatabase(database);
    }
    Sql(path, "UPDATE images SET name = '" + prefix + "_' || name");
    return path;
  }

  TemporaryFolder folder_;
  std::string merged_ = folder_.File("merged.db");
};

TEST_F(MergeDatabasesTest, TheSecondsRowsFollowTheFirstsWithAllNotes) {
  const std::string a = Make("a"), b = Make("b");
  const DatabaseMergeStats stats = MergeDatabases(a, b, merged_);
  EXPECT_EQ(stats.images, 6);
  ColmapDatabase merged(merged_, DatabaseMode::kReadOnly), first(a, DatabaseMode::kReadOnly),
      second(b, DatabaseMode::kReadOnly);
  EXPECT_EQ(merged.Counts().matched_pairs, 2 * first.Counts().matched_pairs);
  for (const Image& image : second.Images()) {
    const auto found = merged.FindImage(image.name);
    ASSERT_TRUE(found.has_value()) << image.name;
    EXPECT_EQ(found->image_id, image.image_id + 3);
    EXPECT_EQ(merged.ReadKeypoints(found->image_id).xy, second.ReadKeypoints(image.image_id).xy);
    EXPECT_EQ(merged.ReadDescriptors(found->image_id).values, second.ReadDescriptors(image.image_id).values);
    const auto noted = second.ReadImageProvenance(image.image_id);
    const auto now = merged.ReadImageProvenance(found->image_id);
    EXPECT_EQ(now.has_value(), noted.has_value());
    if (noted) {
      EXPECT_EQ(now->text, noted->text);
      EXPECT_EQ(now->scores, noted->scores);
    }
  }
  for (const auto& [id1, id2] : second.AllMatchedPairs()) {
    EXPECT_EQ(merged.ReadMatches(id1 + 3, id2 + 3), second.ReadMatches(id1, id2));
    const auto noted = merged.ReadPairProvenance(id1 + 3, id2 + 3);
    if (noted) {
      EXPECT_FALSE(noted->outdated) << "the codes of features go with them";
    }
  }
  EXPECT_EQ(SqlInt64(merged_, "SELECT count(*) FROM frames"), 6);
  EXPECT_EQ(Connection(merged_, OpenMode::kReadOnly).QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(SqlInt64(merged_, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

TEST_F(MergeDatabasesTest, FilesOfColmapAndOfColmatchGoTogetherEitherWay) {
  const std::string a = Make("a"), b = Make("b", kColmap38);
  for (const auto& [first, second] : {std::pair(a, b), std::pair(b, a)}) {
    const std::string merged = folder_.File("of_" + std::to_string(first == a) + ".db");
    EXPECT_EQ(MergeDatabases(first, second, merged).images, 6);
    ColmapDatabase database(merged, DatabaseMode::kReadOnly);
    for (const Image& image : database.Images())
      EXPECT_NO_THROW(database.ReadDescriptors(image.image_id)) << image.name;
    EXPECT_EQ(Connection(merged, OpenMode::kReadOnly).QueryText("PRAGMA integrity_check"), "ok");
  }
}

TEST_F(MergeDatabasesTest, EqualNamesExistingAndMissingFilesAreRefusedAndNothingIsLeft) {
  const std::string a = Make("a");
  EXPECT_THAT(MessageOf<UsageError>([&] { MergeDatabases(a, a, merged_); }),
              HasSubstr("both databases have an image a_"));
  EXPECT_THROW(MergeDatabases(a, folder_.File("none.db"), merged_), EnvironmentError);
  EXPECT_EQ(FilesIn(folder_.path()), std::vector<std::string>{"a.db"});
  const std::string b = Make("b");
  MergeDatabases(a, b, merged_);
  EXPECT_THAT(MessageOf<UsageError>([&] { MergeDatabases(a, b, merged_); }), HasSubstr("exists already"));
}

TEST(FeatureCodes, AreTakenOffAgainAndOlderTextsHaveNone) {
  const std::string code1 = CodeOf({"keypoints", "scores"}), code2 = CodeOf({"keypoint", "sscores"});
  EXPECT_NE(code1, code2) << "the borders between parts count";
  const CodedText coded = SplitFeatureCodes(WithFeatureCodes("matcher nn features", code1, "none"));
  EXPECT_EQ(coded.text, "matcher nn features");
  EXPECT_EQ(coded.code1, code1);
  EXPECT_EQ(coded.code2, "none");
  EXPECT_EQ(SplitFeatureCodes("matcher of features of mine").code1, "");
}

TEST(OutdatedPairs, AreThoseWhoseFeaturesAreOthersNow) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    FillDatabase(database);
    EXPECT_FALSE(database.ReadPairProvenance(2, 1)->outdated);
  }
  Sql(path, "UPDATE keypoints SET data = zeroblob(length(data)) WHERE image_id = 1");
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  EXPECT_TRUE(database.ReadPairProvenance(1, 2)->outdated);
  EXPECT_TRUE(database.ReadPairProvenance(2, 1)->outdated) << "in either order";
}

}  // namespace
}  // namespace colmatch
