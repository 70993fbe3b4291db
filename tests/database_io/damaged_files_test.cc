// Files that cannot be used: locked, read-only, damaged, foreign, on a full disk. Each is named and left as
// it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>

#include "tests/database_io/database_test_util.h"
#include "tests/unwritable.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr DatabaseMode kAllModes[] = {DatabaseMode::kCreateOrOpen, DatabaseMode::kOpenExisting,
                                      DatabaseMode::kReadOnly};

// Runs in a child process, so that limits and mounts end with it. The text it gives back, or "no exception".
std::string MessageFromChild(const std::function<void()>& function) {
  int pipes[2];
  if (pipe(pipes) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string message = "no exception";
    try {
      function();
    } catch (const EnvironmentError& error) {
      message = std::string("EnvironmentError ") + error.what();
    } catch (const std::exception& error) {
      message = std::string("other exception ") + error.what();
    }
    const auto written = write(pipes[1], message.data(), message.size());
    _exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  close(pipes[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t size; (size = read(pipes[0], buffer, sizeof buffer)) > 0;) message.append(buffer, size);
  close(pipes[0]);
  waitpid(child, nullptr, 0);
  return message;
}

TEST(UnusableFile, ThatIsNoDatabaseIsNamedAndLeftByteIdentical) {
  TemporaryFolder folder;
  const std::string good = ReadBytes(MakeFilledDatabase(folder, "good.db"));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"not a database at all", "is not an SQLite database"},
      {std::string(20000, '\0'), "is not an SQLite database"},
      {"\x89PNG\r\n\x1a\n" + std::string(5000, 'x'), "is not an SQLite database"},
      {good.substr(0, 50), "is damaged"},
      {good.substr(0, good.size() / 2), "is damaged"},
      {good.substr(0, 16384), "is damaged"},
      {good.substr(0, 100) + std::string(good.size() - 100, '\xee'), "is damaged"},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    TemporaryFolder own;
    const std::string path = own.File("a.db");
    WriteBytes(path, cases[i].first);
    for (const DatabaseMode mode : kAllModes) {
      EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(path, mode); }),
                  AllOf(HasSubstr(path), HasSubstr(cases[i].second)));
      EXPECT_EQ(ReadBytes(path), cases[i].first);
      EXPECT_THAT(FilesIn(own.path()), ElementsAre("a.db"));
    }
  }
}

TEST(UnusableFile, AForeignDatabaseWithAPendingLogKeepsBoth) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.db");
  Connection owner(path, OpenMode::kReadWriteCreate);
  owner.Execute(
      "PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  // As after a crash of its owner: both files, nobody using them.
  const std::string copy = folder.File("copy.db");
  WriteBytes(copy, ReadBytes(path));
  WriteBytes(copy + "-wal", ReadBytes(path + "-wal"));
  const std::string log = ReadBytes(copy + "-wal");
  ASSERT_FALSE(log.empty());
  for (const DatabaseMode mode : kAllModes) {
    EXPECT_THROW(ColmapDatabase(copy, mode), EnvironmentError);
    EXPECT_EQ(ReadBytes(copy), ReadBytes(path));
    EXPECT_EQ(ReadBytes(copy + "-wal"), log);
  }
}

class LockedTest : public testing::Test {
 protected:
  LockedTest() {
    holder_.emplace(path_, OpenMode::kReadWrite);
    lock_.emplace(*holder_);
    holder_->Execute("DELETE FROM two_view_geometries");
    options_.busy_timeout_ms = 200;
  }

  TemporaryFolder folder_;
  std::string path_ = MakeFilledDatabase(folder_);
  std::optional<Connection> holder_;
  std::optional<Transaction> lock_;
  ConnectionOptions options_;
};

TEST_F(LockedTest, WritingFailsByNameAndChangesNothing) {
  const std::string before = ReadBytes(path_);
  ColmapDatabase database(path_, DatabaseMode::kOpenExisting, options_);
  const auto names_the_lock =
      AllOf(HasSubstr("is locked"), HasSubstr(path_), HasSubstr("run the same command again"));
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { database.CheckWritable(); }), names_the_lock);
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { Transaction t = database.BeginTransaction(); }),
              names_the_lock);
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { database.AddCamera(TestCamera()); }), names_the_lock);
  EXPECT_EQ(database.Counts().two_view_geometries, 3);  // Reading goes on, without the other's open changes.
  EXPECT_EQ(ReadBytes(path_), before);
  lock_->Rollback();
  EXPECT_NO_THROW(database.CheckWritable());
  EXPECT_EQ(database.Counts().cameras, 1);
}

TEST_F(LockedTest, AFileThatNeedsPrivateTablesFailsWhenOpened) {
  lock_->Rollback();
  holder_->Execute("DROP TABLE colmatch_pairs; DROP TABLE colmatch_images; DROP TABLE colmatch_meta");
  lock_.emplace(*holder_);
  EXPECT_THAT(
      MessageOf<EnvironmentError>([&] { ColmapDatabase(path_, DatabaseMode::kOpenExisting, options_); }),
      HasSubstr("is locked"));
  EXPECT_NO_THROW(ColmapDatabase(path_, DatabaseMode::kReadOnly, options_));
}

TEST(UnwritableFile, IsRefusedBeforeAnyWorkButCanBeRead) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  const std::string before = ReadBytes(path);
  {
    Unwritable guard(path);
    if (!guard.worked()) GTEST_SKIP() << "this user can write everything and chattr +i does not work here";
    for (const DatabaseMode mode : {DatabaseMode::kCreateOrOpen, DatabaseMode::kOpenExisting}) {
      EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(path, mode); }),
                  AllOf(HasSubstr("is read-only"), HasSubstr(path)));
    }
    ColmapDatabase database(path, DatabaseMode::kReadOnly);
    EXPECT_EQ(database.ReadKeypoints(1).rows, 20u);
  }
  EXPECT_EQ(ReadBytes(path), before);
}

TEST(UnwritableFolder, IsRefusedBeforeAnyWorkButCanBeRead) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.File("sub #1"));
  const std::string path = folder.File("sub #1/a.db");
  { FillDatabase(*std::make_unique<ColmapDatabase>(path, DatabaseMode::kCreateOrOpen)); }
  const std::string before = ReadBytes(path);
  {
    Unwritable guard(folder.File("sub #1"));
    if (!guard.worked()) GTEST_SKIP() << "this user can write everything and chattr +i does not work here";
    EXPECT_THAT(MessageOf<EnvironmentError>([&] { ColmapDatabase(path, DatabaseMode::kOpenExisting); }),
                AnyOf(HasSubstr("is read-only"), HasSubstr("cannot open the database")));
    EXPECT_THAT(MessageOf<EnvironmentError>(
                    [&] { ColmapDatabase(folder.File("sub #1/new.db"), DatabaseMode::kCreateOrOpen); }),
                HasSubstr("sub #1 cannot be written"));
    ColmapDatabase database(path, DatabaseMode::kReadOnly);
    EXPECT_EQ(database.ReadKeypoints(1).rows, 20u);
  }
  EXPECT_EQ(ReadBytes(path), before);
  EXPECT_THAT(FilesIn(folder.File("sub #1")), ElementsAre("a.db"));
}

TEST(FullDisk, IsNamedAndCommittedRowsStay) {
  TemporaryFolder folder;
  const std::string small = folder.File("small");
  std::filesystem::create_directory(small);
  const std::string outside = folder.File("rescued.db");
  const std::string message = MessageFromChild([&] {
    // A mount of this process alone: it is gone when the process ends.
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", small.c_str(), "tmpfs", 0, "size=2000k") != 0) {
      throw std::runtime_error("cannot mount");
    }
    const std::string path = small + "/a.db";
    try {
      ColmapDatabase database(path, DatabaseMode::kCreateOrOpen);
      FillDatabase(database);
      Transaction transaction = database.BeginTransaction();
      for (int i = 0; i < 100; ++i) {
        const image_t image_id = database.AddImage({0, "big" + std::to_string(i) + ".jpg", 1, {}});
        database.WriteKeypoints(image_id, TestKeypoints(1000));
        database.WriteDescriptors(image_id, TestDescriptors(1000, 256));
      }
      transaction.Commit();
    } catch (const EnvironmentError&) {
      for (const char* suffix : {"", "-wal"}) {
        if (std::filesystem::exists(path + suffix)) WriteBytes(outside + suffix, ReadBytes(path + suffix));
      }
      throw;
    }
  });
  if (message == "other exception cannot mount")
    GTEST_SKIP() << "a small disk cannot be mounted here (not root)";
  EXPECT_THAT(message, AllOf(HasSubstr("EnvironmentError"), HasSubstr("disk is full")));
  ColmapDatabase database(outside, DatabaseMode::kOpenExisting);
  EXPECT_EQ(database.Counts().images, 3);
  EXPECT_EQ(SqlInt64(outside, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
            0);
}

TEST(FileSizeLimit, IsNamedAndCommittedRowsStay) {
  TemporaryFolder folder;
  const std::string path = MakeFilledDatabase(folder);
  const std::string message = MessageFromChild([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {400000, 400000};
    setrlimit(RLIMIT_FSIZE, &limit);
    ColmapDatabase database(path, DatabaseMode::kOpenExisting);
    Transaction transaction = database.BeginTransaction();
    const image_t image_id = database.AddImage({0, "big.jpg", 1, {}});
    database.WriteKeypoints(image_id, TestKeypoints(1000));
    database.WriteDescriptors(image_id, TestDescriptors(1000, 256));
    transaction.Commit();
  });
  EXPECT_THAT(message, AllOf(HasSubstr("EnvironmentError"), HasSubstr(path)));
  ColmapDatabase database(path, DatabaseMode::kOpenExisting);
  EXPECT_EQ(database.Counts().images, 3);
  EXPECT_EQ(database.ReadMatches(1, 2).size(), 20u);
}

}  // namespace
}  // namespace colmatch
