// Connections, statements and transactions: what is left behind, and what is said when it fails.
#include "database_io/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <optional>
#include <stdexcept>

#include "tests/database_io/database_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TransactionTest : public testing::Test {
 protected:
  TransactionTest() { connection_.Execute("CREATE TABLE t (value INTEGER PRIMARY KEY)"); }
  void Insert(int value) { connection_.Execute("INSERT INTO t VALUES (" + std::to_string(value) + ")"); }
  // As another process would see it.
  int64_t RowsOnDisk() { return SqlInt64(path_, "SELECT count(*) FROM t"); }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("t.db");
  Connection connection_{path_, OpenMode::kReadWriteCreate};
};

TEST_F(TransactionTest, CommitKeepsTheRows) {
  Transaction transaction(connection_);
  Insert(1);
  Insert(2);
  EXPECT_EQ(RowsOnDisk(), 0);
  transaction.Commit();
  EXPECT_FALSE(transaction.active());
  EXPECT_EQ(RowsOnDisk(), 2);
}

TEST_F(TransactionTest, RollbackTakesTheRowsBack) {
  Transaction transaction(connection_);
  Insert(1);
  transaction.Rollback();
  EXPECT_FALSE(transaction.active());
  EXPECT_EQ(RowsOnDisk(), 0);
  Insert(2);
  EXPECT_EQ(RowsOnDisk(), 1);
}

TEST_F(TransactionTest, LeavingTheScopeTakesTheRowsBack) {
  {
    Transaction transaction(connection_);
    Insert(1);
  }
  EXPECT_FALSE(connection_.InTransaction());
  EXPECT_EQ(RowsOnDisk(), 0);
}

TEST_F(TransactionTest, AnExceptionTakesTheRowsBack) {
  EXPECT_THROW(
      {
        Transaction transaction(connection_);
        Insert(1);
        throw std::runtime_error("the network failed");
      },
      std::runtime_error);
  EXPECT_EQ(RowsOnDisk(), 0);
}

TEST_F(TransactionTest, AFailingStatementLeavesTheEarlierRowsToTheCaller) {
  Transaction transaction(connection_);
  Insert(1);
  EXPECT_THROW(Insert(1), InputError);
  EXPECT_TRUE(transaction.active());
  transaction.Commit();
  EXPECT_EQ(RowsOnDisk(), 1);
}

TEST_F(TransactionTest, MovingHandsTheTransactionOver) {
  std::optional<Transaction> kept;
  {
    Transaction transaction(connection_);
    Insert(1);
    kept.emplace(std::move(transaction));
  }
  EXPECT_TRUE(connection_.InTransaction());
  kept->Commit();
  EXPECT_EQ(RowsOnDisk(), 1);
}

TEST_F(TransactionTest, EndingTwiceOrNestingIsAProgrammingError) {
  Transaction transaction(connection_);
  EXPECT_THROW(Transaction inner(connection_), std::logic_error);
  transaction.Commit();
  EXPECT_THROW(transaction.Commit(), std::logic_error);
  EXPECT_THROW(transaction.Rollback(), std::logic_error);
}

TEST_F(TransactionTest, AFullDiskIsNamedAndCommittedRowsStay) {
  connection_.Execute("CREATE TABLE blobs (data BLOB)");
  Insert(1);
  connection_.Execute("PRAGMA max_page_count = 16");
  std::string message;
  {
    Transaction transaction(connection_);
    Insert(2);
    message = MessageOf<EnvironmentError>(
        [&] { connection_.Execute("INSERT INTO blobs VALUES (zeroblob(1000000))"); });
  }
  EXPECT_THAT(message, AllOf(HasSubstr("disk is full"), HasSubstr(path_)));
  EXPECT_EQ(RowsOnDisk(), 1);
  EXPECT_EQ(connection_.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(TransactionTest, ALockedDatabaseIsNamedAfterTheTimeout) {
  Connection holder(path_, OpenMode::kReadWrite);
  Transaction lock(holder);
  holder.Execute("INSERT INTO t VALUES (9)");
  std::vector<int> waited;
  ConnectionOptions options;
  options.busy_timeout_ms = 1200;
  options.on_wait = [&waited](int waited_ms) { waited.push_back(waited_ms); };
  Connection other(path_, OpenMode::kReadWrite, options);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { other.CheckWritable(); }),
              AllOf(HasSubstr("is locked"), HasSubstr(path_)));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1200));
  ASSERT_EQ(waited.size(), 1u);
  EXPECT_GE(waited[0], 1000);
  lock.Rollback();
  EXPECT_NO_THROW(other.CheckWritable());
}

TEST_F(TransactionTest, CheckWritableLeavesTheFileAsItIs) {
  const std::string before = ReadBytes(path_);
  connection_.CheckWritable();
  EXPECT_FALSE(connection_.InTransaction());
  EXPECT_EQ(ReadBytes(path_), before);
}

TEST_F(TransactionTest, BoundValuesComeBackAsTheyWere) {
  connection_.Execute("CREATE TABLE v (i, d, t, b, n, e)");
  const std::string text = "O'Brien'); DROP TABLE t;--\n\xff %s";
  const std::string blob("\0\1\0\2", 4);
  {
    Statement statement(connection_, "INSERT INTO v VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    statement.BindInt64(1, INT64_MIN).BindDouble(2, 0.1).BindText(3, text).BindBlob(4, blob).BindNull(5);
    statement.BindBlob(6, "").Run();
  }
  Statement statement(connection_, "SELECT * FROM v");
  ASSERT_TRUE(statement.Step());
  EXPECT_EQ(statement.Int64(0), INT64_MIN);
  EXPECT_EQ(statement.Double(1), 0.1);
  EXPECT_EQ(statement.Text(2), text);
  EXPECT_EQ(statement.Blob(3), blob);
  EXPECT_TRUE(statement.IsNull(4));
  EXPECT_TRUE(statement.IsNull(5));
  EXPECT_FALSE(statement.Step());
}

TEST_F(TransactionTest, ACachedStatementForgetsItsValuesBetweenUses) {
  for (const int value : {4, 5}) {
    Statement statement(connection_, "INSERT INTO t VALUES (coalesce(?1, 77))");
    if (value == 4) statement.BindInt64(1, value);
    statement.Run();
  }
  EXPECT_EQ(connection_.QueryInt64("SELECT max(value) FROM t"), 77);
}

TEST_F(TransactionTest, TheSameStatementMayBeInUseTwice) {
  for (const int value : {1, 2, 3}) Insert(value);
  int64_t pairs = 0;
  Statement outer(connection_, "SELECT value FROM t");
  while (outer.Step()) {
    Statement inner(connection_, "SELECT value FROM t");
    while (inner.Step()) ++pairs;
  }
  EXPECT_EQ(pairs, 9);
}

TEST(Connection, CleanCloseLeavesOneFileWithEverythingInIt) {
  TemporaryFolder folder;
  {
    Connection connection(folder.File("a.db"), OpenMode::kReadWriteCreate);
    connection.Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (5)");
    EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
  }
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db"));
  std::filesystem::copy(folder.File("a.db"), folder.File("copy.db"));
  EXPECT_EQ(SqlInt64(folder.File("copy.db"), "SELECT x FROM t"), 5);
  // Reading tidies up too.
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("a.db", "copy.db"));
}

TEST(Connection, ClosingBesideAnotherReaderDoesNotWait) {
  TemporaryFolder folder;
  Sql(folder.File("a.db"), "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (5)");
  Connection reader(folder.File("a.db"), OpenMode::kReadOnly);
  Statement statement(reader, "SELECT x FROM t");
  ASSERT_TRUE(statement.Step());
  const auto start = std::chrono::steady_clock::now();
  Sql(folder.File("a.db"), "INSERT INTO t VALUES (6)");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Connection, ReadOnlyRefusesToWrite) {
  TemporaryFolder folder;
  Sql(folder.File("a.db"), "CREATE TABLE t (x)");
  const std::string before = ReadBytes(folder.File("a.db"));
  Connection connection(folder.File("a.db"), OpenMode::kReadOnly);
  EXPECT_THAT(MessageOf<EnvironmentError>([&] { connection.Execute("INSERT INTO t VALUES (1)"); }),
              HasSubstr("read-only"));
  EXPECT_THROW(connection.CheckWritable(), EnvironmentError);
  EXPECT_EQ(ReadBytes(folder.File("a.db")), before);
}

TEST(Connection, WhatCannotBeOpenedIsToldApart) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.File("folder.db"));
  ASSERT_EQ(mkfifo(folder.File("pipe.db").c_str(), 0600), 0);
  struct Case {
    std::string path;
    OpenMode mode;
    const char* says;
  };
  const Case cases[] = {
      {folder.File("no/such/a.db"), OpenMode::kReadWriteCreate, "does not exist; create it first"},
      {folder.File("a.db"), OpenMode::kReadWrite, "there is no database"},
      {folder.File("a.db"), OpenMode::kReadOnly, "there is no database"},
      {folder.File("folder.db"), OpenMode::kReadWriteCreate, "is a folder"},
      {folder.File("pipe.db"), OpenMode::kReadWriteCreate, "not a regular file"}};
  for (const Case& c : cases) {
    const std::string message = MessageOf<EnvironmentError>([&] { Connection(c.path, c.mode); });
    EXPECT_THAT(message, AllOf(HasSubstr(c.says), HasSubstr(c.path)));
  }
  EXPECT_THROW(Connection("", OpenMode::kReadWriteCreate), UsageError);
  EXPECT_THAT(FilesIn(folder.path()), ElementsAre("folder.db", "pipe.db"));
}

TEST(Connection, SpecialNamesOfSqliteAreOrdinaryFileNames) {
  TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  Sql(":memory:", "CREATE TABLE t (x)");
  Sql("file:a.db?mode=memory", "CREATE TABLE t (x)");
  Sql("per%20cent \xE5\x9B\xB3.db", "CREATE TABLE t (x)");
  std::filesystem::current_path(before);
  EXPECT_THAT(FilesIn(folder.path()),
              ElementsAre(":memory:", "file:a.db?mode=memory", "per%20cent \xE5\x9B\xB3.db"));
}

}  // namespace
}  // namespace colmatch
