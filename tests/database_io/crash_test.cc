// A writer killed at any moment: the file is whole, and each batch is there together or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <random>
#include <thread>

#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

// Starts the writer in a child, kills it `delay` after it says that it is ready, and waits for its end.
void KillWriter(const std::function<void(const std::function<void()>& ready)>& writer,
                std::chrono::microseconds delay) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t child = fork();
  if (child == 0) {
    try {
      writer([&] {
        if (write(pipes[1], "r", 1) != 1) _exit(3);
      });
    } catch (...) {
      _exit(2);
    }
    pause();
    _exit(4);
  }
  close(pipes[1]);
  char ready = 0;
  EXPECT_EQ(read(pipes[0], &ready, 1), 1) << "the writer failed by itself";
  close(pipes[0]);
  std::this_thread::sleep_for(delay);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself, with status " << WEXITSTATUS(status);
}

std::string IntegrityOf(const std::string& path) {
  return Connection(path, OpenMode::kReadWrite).QueryText("PRAGMA integrity_check");
}

void AddBatch(ColmapDatabase& database, int batch) {
  Transaction transaction = database.BeginTransaction();
  const camera_t camera_id = database.AddCamera(TestCamera());
  for (int i = 0; i < 4; ++i) {
    const image_t image_id =
        database.AddImage({0, std::to_string(batch) + "/" + std::to_string(i) + ".jpg", camera_id, {}});
    database.WriteKeypoints(image_id, TestKeypoints(200));
    database.WriteDescriptors(image_id, TestDescriptors(200, 64));
    database.WriteImageProvenance(image_id, "p", {});
  }
  transaction.Commit();
}

TEST(KilledWriter, InTheMiddleOfATransactionLeavesTheCommittedRowsOnly) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  KillWriter(
      [&](const std::function<void()>& ready) {
        ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
        FillDatabase(database);
        Transaction transaction = database.BeginTransaction();
        for (int i = 0; i < 50; ++i) {
          const image_t image_id = database.AddImage({0, "lost" + std::to_string(i), 1, {}});
          database.WriteKeypoints(image_id, TestKeypoints(2000));
          database.WriteDescriptors(image_id, TestDescriptors(2000, 64));
        }
        ready();
        pause();
      },
      std::chrono::microseconds(0));
  EXPECT_EQ(IntegrityOf(path), "ok");
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  const DatabaseCounts counts = database.Counts();
  EXPECT_EQ(counts.images, 3);
  EXPECT_EQ(counts.keypoints, 60);
  EXPECT_EQ(counts.matched_pairs, 3);
  EXPECT_EQ(database.ReadKeypoints(2).xy, TestKeypoints(20, 2).xy);
}

TEST(KilledWriter, AtRandomMomentsLeavesWholeBatchesAndGoesOn) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  std::mt19937 rng(11);
  int64_t images = 0;
  for (int round = 0; round < 20; ++round) {
    KillWriter(
        [&](const std::function<void()>& ready) {
          ready();  // Opening, and for the first round creating, may be hit too.
          ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
          for (int batch = static_cast<int>(database.Counts().cameras);; ++batch) AddBatch(database, batch);
        },
        std::chrono::microseconds(rng() % 60000));
    if (!std::filesystem::exists(path)) continue;
    ASSERT_EQ(IntegrityOf(path), "ok") << "round " << round;
    ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
    const DatabaseCounts counts = database.Counts();
    EXPECT_EQ(counts.images, 4 * counts.cameras);
    EXPECT_EQ(counts.images_with_keypoints, counts.images);
    EXPECT_EQ(counts.images_with_descriptors, counts.images);
    EXPECT_GE(counts.images, images) << "a committed batch was lost";
    images = counts.images;
    EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM frame_data"), images);
    EXPECT_EQ(SqlInt64(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
  }
  EXPECT_GT(images, 0);
}

}  // namespace
}  // namespace colmatch
