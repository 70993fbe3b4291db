// What pairs are chosen by: rigs, verified pairs, and those kept for an interrupted command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(SharedFrames, AreThoseOfSeveralImagesAndOlderFilesHaveNone) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  EXPECT_THAT(database.SharedFrames(), IsEmpty()) << "each image has a frame of its own";
  Sql(path, "UPDATE frame_data SET frame_id = 1 WHERE data_id = 3");
  EXPECT_THAT(database.SharedFrames(), ElementsAre(ElementsAre(1u, 3u)));
  Sql(path, "INSERT INTO frame_data VALUES (2, 3, 9, 1)");  // not a camera
  EXPECT_THAT(database.SharedFrames(), ElementsAre(ElementsAre(1u, 3u)));
  Sql(folder.File("old.db"), kColmap38);
  EXPECT_THAT(ColmapDatabase(folder.File("old.db"), DatabaseMode::kReadOnly).SharedFrames(), IsEmpty());
}

TEST(VerifiedPairs, AreThoseWithInliers) {
  TemporaryFolder folder;
  ColmapDatabase database(MakeFilledDatabase(folder), DatabaseMode::kOpenExisting);
  EXPECT_THAT(database.VerifiedPairs(), ElementsAre(Pair(1u, 2u), Pair(1u, 3u), Pair(2u, 3u)));
  database.DeleteTwoViewGeometry(1, 3);
  database.WriteTwoViewGeometry(3, 1, {});
  EXPECT_THAT(database.VerifiedPairs(), ElementsAre(Pair(1u, 2u), Pair(2u, 3u)));
}

TEST(KeptPairs, StayWhatTheyWereUntilTheyAreReplacedOrDropped) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  const std::string tables = Dump(path, "sqlite_master", "name,sql");
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    EXPECT_FALSE(database.KeptPairs().has_value());
    database.KeepVerifiedPairs();
    database.DeletePair(1, 2);
  }
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  EXPECT_THAT(*database.KeptPairs(), ElementsAre(Pair(1u, 2u), Pair(1u, 3u), Pair(2u, 3u)));
  database.KeepVerifiedPairs();
  EXPECT_THAT(*database.KeptPairs(), ElementsAre(Pair(1u, 3u), Pair(2u, 3u)));
  {  // Given up half-way, nothing has changed.
    Transaction transaction = database.BeginTransaction();
    database.DropKeptPairs();
  }
  EXPECT_TRUE(database.KeptPairs().has_value());
  database.DropKeptPairs();
  database.DropKeptPairs();
  EXPECT_FALSE(database.KeptPairs().has_value());
  EXPECT_EQ(Dump(path, "sqlite_master", "name,sql"), tables);
}

TEST(KeptPairs, ThatAreNoPairsAreNamed) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  database.KeepVerifiedPairs();
  Sql(path, "INSERT INTO colmatch_transitive VALUES (-5)");
  EXPECT_THROW(database.KeptPairs(), InputError);
}

}  // namespace
}  // namespace colmatch
