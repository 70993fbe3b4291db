// Databases whose rows say one thing and whose blobs another: named and refused, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

void ReadEverything(ColmapDatabase& database) {
  database.Cameras();
  database.Images();
  for (const image_t image_id : {1, 2, 3}) {
    database.ReadKeypoints(image_id);
    database.ReadDescriptors(image_id);
    database.ReadImageProvenance(image_id);
  }
  for (const auto& [a, b] : database.AllMatchedPairs()) {
    database.ReadMatches(a, b);
    database.ReadTwoViewGeometry(b, a);
    database.ReadPairProvenance(a, b);
  }
}

struct LyingRow {
  const char* sql;
  const char* says;
};

const LyingRow kLyingRows[] = {
    {"UPDATE keypoints SET rows = 1000000000 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET rows = -1 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET rows = 9223372036854775807 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET rows = 'many' WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET cols = 3 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET cols = 4294967298 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET data = substr(data, 1, 159) WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET data = NULL WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET data = 'text' WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET data = 17 WHERE image_id = 2", "table keypoints, row 2"},
    {"UPDATE keypoints SET data = x'0000C07F' || substr(data, 5) WHERE image_id = 2",
     "table keypoints, row 2"},
    {"UPDATE descriptors SET rows = 1000000000 WHERE image_id = 3", "table descriptors, row 3"},
    {"UPDATE descriptors SET cols = 256 WHERE image_id = 3", "table descriptors, row 3"},
    {"UPDATE descriptors SET cols = 1023 WHERE image_id = 3", "table descriptors, row 3"},
    {"UPDATE descriptors SET data = substr(data, 2) WHERE image_id = 3", "table descriptors, row 3"},
    {"UPDATE matches SET rows = 1000000000 WHERE pair_id = 2147483649", "table matches, row 2147483649"},
    {"UPDATE matches SET rows = -20 WHERE pair_id = 2147483649", "table matches, row 2147483649"},
    {"UPDATE matches SET cols = 4, rows = 10 WHERE pair_id = 2147483649", "table matches, row 2147483649"},
    {"UPDATE matches SET data = x'FFFFFF00' || substr(data, 5) WHERE pair_id = 2147483649",
     "keypoint 16777215 of image 1"},
    {"INSERT INTO matches VALUES (2147483648, 0, 2, NULL)", "pair id 2147483648"},
    {"INSERT INTO matches VALUES (5, 0, 2, NULL)", "table images, row 0"},
    {"INSERT INTO matches VALUES (-1, 0, 2, NULL)", "pair id 18446744073709551615"},
    {"INSERT INTO matches VALUES (2147483747, 0, 2, NULL)", "table images, row 100"},
    {"UPDATE two_view_geometries SET F = zeroblob(71)", "F has 71 bytes"},
    {"UPDATE two_view_geometries SET F = x'000000000000F87F' || substr(F, 9)", "F holds a value"},
    {"UPDATE two_view_geometries SET H = x'000000000000F03F' || zeroblob(64)", "singular"},
    {"UPDATE two_view_geometries SET qvec = zeroblob(8)", "qvec has 8 bytes"},
    {"UPDATE two_view_geometries SET config = 99", "config 99"},
    {"UPDATE two_view_geometries SET config = 4294967298", "config 4294967298"},
    {"UPDATE two_view_geometries SET rows = 17", "table two_view_geometries"},
    {"UPDATE cameras SET params = zeroblob(31)", "table cameras, row 1"},
    {"UPDATE cameras SET model = -5", "table cameras, row 1"},
    {"PRAGMA foreign_keys = OFF; UPDATE cameras SET camera_id = -1", "table cameras, row -1"},
    {"PRAGMA foreign_keys = OFF; UPDATE images SET image_id = 0 WHERE image_id = 3", "table images, row 3"},
    {"PRAGMA foreign_keys = OFF; UPDATE images SET camera_id = 8589934592", "table images, row 1"},
    {"UPDATE colmatch_images SET scores = zeroblob(3)", "table colmatch_images, row 1"},
    {"UPDATE colmatch_pairs SET scores = zeroblob(7)", "table colmatch_pairs, row 2147483649"},
};

TEST(LyingRows, AreRefusedByName) {
  TemporaryFolder folder;
  const std::string good = MakeFilledDatabase(folder);
  ASSERT_NO_THROW({
    ColmapDatabase database(good, DatabaseMode::kReadOnly);
    ReadEverything(database);
  });
  for (const LyingRow& lie : kLyingRows) {
    SCOPED_TRACE(lie.sql);
    const std::string path = folder.File("lie.db");
    std::filesystem::copy_file(good, path, std::filesystem::copy_options::overwrite_existing);
    Sql(path, lie.sql);
    ASSERT_NE(ReadBytes(path), ReadBytes(good)) << "the statement changed nothing";
    ColmapDatabase database(path, DatabaseMode::kReadOnly);
    EXPECT_THAT(MessageOf<InputError>([&] { ReadEverything(database); }), HasSubstr(lie.says));
  }
}

// Bytes of a good file changed at random: anything but a crash, an endless loop or another kind of error.
TEST(LyingRows, RandomDamageEndsInAnErrorOrInValues) {
  TemporaryFolder folder;
  const std::string good = ReadBytes(MakeFilledDatabase(folder));
  std::mt19937 rng(7);
  int errors = 0;
  for (int round = 0; round < 150; ++round) {
    std::string bytes = good;
    const int changes = 1 + round % 40;
    // The pages of the schema and the row headers are where damage is dangerous: change those more often.
    for (int i = 0; i < changes; ++i) {
      const size_t limit = i % 2 == 0 ? 2048 : bytes.size();
      bytes[rng() % limit] = static_cast<char>(rng());
    }
    const std::string path = folder.File("damaged.db");
    WriteBytes(path, bytes);
    try {
      ColmapDatabase database(path, DatabaseMode::kReadOnly);
      ReadEverything(database);
    } catch (const Error&) {
      ++errors;
    }
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-shm");
  }
  EXPECT_GT(errors, 20) << "too little was damaged for this to be a test";
}

}  // namespace
}  // namespace colmatch
