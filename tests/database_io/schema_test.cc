// New files, and the files of every COLMAP: what is found, what is left alone, what is refused.
#include "database_io/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(NewDatabase, HasTheTablesOfEveryColmapAndOurs) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    const Dialect& dialect = database.dialect();
    EXPECT_TRUE(dialect.image_priors && dialect.descriptor_type && dialect.frame_tables &&
                dialect.private_tables);
    EXPECT_TRUE(dialect.two_view_matrices && dialect.two_view_pose);
    EXPECT_EQ(dialect.pose_priors, PosePriorTable::kShared);
    EXPECT_EQ(database.ReadMeta("format_version"), "1");
  }
  EXPECT_EQ(SqlInt64(path, "PRAGMA user_version"), 3800);
  EXPECT_EQ(
      SqlInt64(path, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name GLOB 'colmatch_*'"),
      3);
  EXPECT_EQ(Connection(path, OpenMode::kReadOnly).QueryText("PRAGMA journal_mode"), "wal");
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db"));
}

// What COLMAP 3.11 to 3.13 and COLMAP 4 run on pose_priors.
constexpr char kPriorOfColmap313[] =
    "INSERT INTO pose_priors(image_id, position, coordinate_system, position_covariance) "
    "VALUES(2, zeroblob(24), 0, zeroblob(72))";
constexpr char kPriorOfColmap4[] =
    "INSERT INTO pose_priors(pose_prior_id, corr_data_id, corr_sensor_id, corr_sensor_type, position, "
    "position_covariance, coordinate_system, gravity) "
    "VALUES(NULL, 3, 1, 0, zeroblob(24), zeroblob(72), 0, zeroblob(24))";

TEST(NewDatabase, KeepsPriorsWhereEveryColmapFindsThem) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    const camera_t camera = database.AddCamera(TestCamera());
    database.AddImage({0, "1.jpg", camera, GeoPosition{48.5, 11.25, 512.0}, std::array<double, 3>{0, 1, 0}});
    database.AddImage({0, "2.jpg", camera, {}});
    database.AddImage({0, "3.jpg", camera, {}});
  }
  Sql(path, kPriorOfColmap313);
  Sql(path, kPriorOfColmap4);
  EXPECT_EQ(Dump(path, "pose_priors", "image_id,corr_data_id,corr_sensor_id,corr_sensor_type"),
            "1,1,1,0\n2,2,1,0\n3,3,1,0");
  // COLMAP 3.10 to 3.13 select * and read columns 1 to 3.
  EXPECT_EQ(Connection(path, OpenMode::kReadOnly)
                .QueryText("SELECT group_concat(name) FROM pragma_table_info('pose_priors') WHERE cid < 4"),
            "IMAGE_ID,position,coordinate_system,position_covariance");
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pose_priors WHERE length(gravity) = 24"), 3);
  EXPECT_EQ(SqlInt64(path, "SELECT prior_tx = 48.5 AND prior_ty = 11.25 AND prior_tz = 512 FROM images"), 1);
}

TEST(NewDatabase, APositionWithoutAltitudeIsNoPriorButServesTheChoiceOfPairs) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  {
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    const camera_t camera = database.AddCamera(TestCamera());
    database.AddImage({0, "1.jpg", camera, GeoPosition{48.5, 11.25, unknown}});
    const auto position = database.ReadPositionPrior(1);
    ASSERT_TRUE(position.has_value());
    EXPECT_EQ(position->position[1], 11.25);
    EXPECT_TRUE(std::isnan(position->position[2]));
    EXPECT_FALSE(database.Images()[0].prior_position.has_value());
  }
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pose_priors"), 0);
  EXPECT_EQ(SqlInt64(path, "SELECT prior_tz IS NULL FROM images"), 1);
}

TEST(NewDatabase, IsMadeOfAFileOfZeroBytesToo) {
  TemporaryFolder folder;
  WriteBytes(folder.File("a.db"), "");
  ColmapDatabase database(folder.File("a.db"), DatabaseMode::kCreateOrOpen);
  EXPECT_EQ(database.Counts().images, 0);
}

TEST(NewDatabase, IsNotMadeWhereOneIsExpected) {
  TemporaryFolder folder;
  WriteBytes(folder.File("a.db"), "");
  for (const DatabaseMode mode : {DatabaseMode::kOpenExisting, DatabaseMode::kReadOnly}) {
    EXPECT_THROW(ColmapDatabase(folder.File("missing.db"), mode), EnvironmentError);
    EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(folder.File("a.db"), mode); }),
                HasSubstr("is empty"));
  }
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db"));
  EXPECT_EQ(ReadBytes(folder.File("a.db")), "");
}

TEST(NewDatabase, OpenedAgainIsByteIdentical) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  const std::string before = ReadBytes(path);
  for (const DatabaseMode mode :
       {DatabaseMode::kCreateOrOpen, DatabaseMode::kOpenExisting, DatabaseMode::kReadOnly}) {
    ColmapDatabase database(path, mode);
    EXPECT_EQ(database.Counts().images, 3);
  }
  EXPECT_EQ(ReadBytes(path), before);
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("database.db"));
}

struct Version {
  const char* name;
  const char* sql;
  Dialect expected;
};

Dialect Make(bool priors, bool type, bool frames, bool covariance, PosePriorTable pose_priors) {
  Dialect dialect;
  dialect.image_priors = priors;
  dialect.descriptor_type = type;
  dialect.two_view_matrices = dialect.two_view_pose = true;
  dialect.frame_tables = frames;
  dialect.prior_covariance = covariance;
  dialect.pose_priors = pose_priors;
  return dialect;
}

const Version kVersions[] = {
    {"3.8", kColmap38, Make(true, false, false, false, PosePriorTable::kNone)},
    {"3.10", kColmap310, Make(false, false, false, false, PosePriorTable::kByImage)},
    {"3.13", kColmap313, Make(false, false, true, true, PosePriorTable::kByImage)},
    {"4.2", kColmap42, Make(false, true, true, true, PosePriorTable::kByCorrId)},
};

TEST(Dialect, OfEveryColmapIsRecognisedWithoutWriting) {
  for (const Version& version : kVersions) {
    SCOPED_TRACE(version.name);
    TemporaryFolder folder;
    Sql(folder.File("a.db"), version.sql);
    const std::string before = ReadBytes(folder.File("a.db"));
    {
      ColmapDatabase database(folder.File("a.db"), DatabaseMode::kReadOnly);
      const Dialect& found = database.dialect();
      EXPECT_EQ(found.image_priors, version.expected.image_priors);
      EXPECT_EQ(found.descriptor_type, version.expected.descriptor_type);
      EXPECT_EQ(found.two_view_matrices, version.expected.two_view_matrices);
      EXPECT_EQ(found.two_view_pose, version.expected.two_view_pose);
      EXPECT_EQ(found.frame_tables, version.expected.frame_tables);
      EXPECT_EQ(found.prior_covariance, version.expected.prior_covariance);
      EXPECT_EQ(found.pose_priors, version.expected.pose_priors);
      EXPECT_FALSE(found.private_tables);
      EXPECT_EQ(database.ReadMeta("format_version"), std::nullopt);
      EXPECT_FALSE(database.ReadImageProvenance(1).has_value());
    }
    EXPECT_EQ(ReadBytes(folder.File("a.db")), before);
  }
}

TEST(Dialect, GravityIsWrittenWhereThereIsAPlaceForItAndNoErrorElsewhere) {
  for (const Version& version : kVersions) {
    SCOPED_TRACE(version.name);
    TemporaryFolder folder;
    const std::string path = folder.File("a.db");
    Sql(path, version.sql);
    {
      ColmapDatabase database(path, DatabaseMode::kOpenExisting);
      const camera_t camera_id = database.AddCamera(TestCamera());
      database.AddImage({0, "a.jpg", camera_id, {}, std::array<double, 3>{-1, 0, 0}});
    }
    if (version.expected.pose_priors == PosePriorTable::kNone) continue;
    const bool has_place = version.expected.pose_priors == PosePriorTable::kByCorrId;
    EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pose_priors"), has_place ? 1 : 0);
    if (!has_place) continue;
    EXPECT_EQ(
        SqlInt64(path, "SELECT hex(gravity) = '000000000000F0BF' || hex(zeroblob(16)) FROM pose_priors"), 1);
  }
}

TEST(Dialect, OfEveryColmapTakesAllRowsAndKeepsItsTables) {
  for (const Version& version : kVersions) {
    SCOPED_TRACE(version.name);
    TemporaryFolder folder;
    const std::string path = folder.File("a.db");
    Sql(path, version.sql);
    const std::string tables = Dump(path, "sqlite_master", "name,sql");
    {
      ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
      FillDatabase(database);
      const std::vector<Image> images = database.Images();
      ASSERT_EQ(images.size(), 3u);
      ASSERT_TRUE(images[0].prior_position.has_value());
      EXPECT_EQ(images[0].prior_position->altitude_m, 512.0);
      EXPECT_FALSE(images[1].prior_position.has_value());
      EXPECT_EQ(database.ReadDescriptors(2).values, TestDescriptors(20, 256).values);
      EXPECT_EQ(database.ReadTwoViewGeometry(1, 3).F, TestGeometry(18).F);
    }
    EXPECT_EQ(tables, Dump(path, "sqlite_master WHERE name NOT GLOB '*colmatch*'", "name,sql"));
    EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    if (version.expected.frame_tables) {
      EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM rigs"), 1);
      EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM frames"), 3);
      EXPECT_EQ(
          SqlInt64(path,
                   "SELECT count(*) FROM frame_data JOIN images ON image_id = data_id AND sensor_type = 0 "
                   "AND sensor_id = camera_id"),
          3);
    }
    if (version.expected.descriptor_type) {
      EXPECT_EQ(SqlInt64(path, "SELECT sum(type) FROM descriptors"), -3);
    }
    if (version.expected.pose_priors != PosePriorTable::kNone) {
      EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pose_priors WHERE length(position) = 24"), 1);
    }
  }
}

TEST(Dialect, WithoutMatricesAndPosesLosesThemAndNothingElse) {
  TemporaryFolder folder;
  const std::string path = folder.File("old.db");
  Sql(path, kColmap38);
  for (const char* column : {"F", "E", "H", "qvec", "tvec"}) {
    Sql(path, std::string("ALTER TABLE two_view_geometries DROP COLUMN ") + column);
  }
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  FillDatabase(database);
  const TwoViewGeometry geometry = database.ReadTwoViewGeometry(1, 2);
  EXPECT_EQ(geometry.inlier_matches, TestGeometry(18).inlier_matches);
  EXPECT_FALSE(geometry.F || geometry.qvec);
}

TEST(Frames, AreNotMadeInAFileWhoseImagesHaveNone) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  // What COLMAP 4 makes of a 3.8 file: empty frame tables beside images.
  Sql(path, kColmap42);
  Sql(path,
      "INSERT INTO cameras VALUES (1, 2, 640, 480, NULL, 0); INSERT INTO images VALUES (1, 'old.jpg', 1)");
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    database.AddImage({0, "new.jpg", 1, {}});
    EXPECT_EQ(database.CompleteFrames(), 0);
  }
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM frames"), 0);
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM rigs"), 0);
}

TEST(Frames, AreCompletedWhereAnOlderColmapLeftThemOut) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  Sql(path, "INSERT INTO images (name, camera_id) VALUES ('by_colmap_38.jpg', 1)");
  {
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    EXPECT_EQ(database.CompleteFrames(), 1);
    EXPECT_EQ(database.CompleteFrames(), 0);
  }
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM frame_data WHERE data_id = 4 AND sensor_id = 1"), 1);
  EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM rigs"), 1);
}

TEST(Frames, OfACameraInsideARigJoinThatRig) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  Sql(path, kColmap42);
  Sql(path,
      "INSERT INTO cameras VALUES (1, 2, 640, 480, NULL, 0), (2, 2, 640, 480, NULL, 0);"
      "INSERT INTO rigs VALUES (5, 1, 0); INSERT INTO rig_sensors VALUES (5, 2, 0, NULL)");
  ColmapDatabase(path, DatabaseMode::kOpenExisting).AddImage({0, "right.jpg", 2, {}});
  EXPECT_EQ(SqlInt64(path, "SELECT rig_id FROM frames"), 5);
}

TEST(ForeignDatabase, IsRefusedAndLeftByteIdentical) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CREATE TABLE bookmarks (url TEXT)", "no table cameras"},
      {"PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)", "no table cameras"},
      {"CREATE TABLE cameras (x); CREATE TABLE images (x)", "table cameras has no column camera_id"},
      {std::string(kColmap38) + "DROP TABLE matches", "no table matches"},
      {std::string(kColmap38) + "DROP TABLE images; CREATE VIEW images AS SELECT 1 AS image_id",
       "no table images"},
      {std::string(kColmap42) +
           "ALTER TABLE keypoints ADD COLUMN flavour INTEGER NOT NULL DEFAULT 1;"
           "DROP TABLE matches; CREATE TABLE matches (pair_id INTEGER PRIMARY KEY, rows INTEGER, "
           "cols INTEGER, data BLOB, kind INTEGER NOT NULL)",
       "matches.kind"},
      {"PRAGMA application_id = 77", "is empty"},
  };
  for (const auto& [sql, says] : cases) {
    SCOPED_TRACE(sql);
    TemporaryFolder folder;
    const std::string path = folder.File("a.db");
    Sql(path, sql);
    const std::string before = ReadBytes(path);
    for (const DatabaseMode mode :
         {DatabaseMode::kCreateOrOpen, DatabaseMode::kOpenExisting, DatabaseMode::kReadOnly}) {
      EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(path, mode); }),
                  AllOf(HasSubstr(path), HasSubstr(says)));
      EXPECT_EQ(ReadBytes(path), before);
      EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db"));
    }
  }
}

TEST(PrivateTables, OfANewerColmatchAreRefused) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  Sql(path, "UPDATE colmatch_meta SET value = '2' WHERE key = 'format_version'");
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(path, DatabaseMode::kReadOnly); }),
              AllOf(HasSubstr("format 2"), HasSubstr("newer")));
}

}  // namespace
}  // namespace colmatch
