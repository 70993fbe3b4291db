// RAII over SQLite: one connection, its statements, its transactions. One thread at a time; never across
// fork().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace colmatch {

enum class OpenMode { kReadOnly, kReadWrite, kReadWriteCreate };

struct ConnectionOptions {
  // How long a lock of another process is waited for. COLMAP itself does not wait at all.
  int busy_timeout_ms = 30000;
  // Called about once a second while waiting, with the milliseconds waited so far.
  std::function<void(int waited_ms)> on_wait;
};

// An open database file. Failures of the file (locked, read-only, not a database, damaged, disk full, ...)
// are EnvironmentError with the cause and the path; values SQLite refuses (too large, constraint) are
// InputError.
class Connection {
 public:
  // Opens and reads the header, so a constructed connection is a valid one. The file is not written to. In
  // kReadOnly mode writes are refused; a database in a folder that cannot be written is read as immutable if
  // no write-ahead log is pending. In the other modes a file that cannot be written is refused at once.
  Connection(const std::string& path, OpenMode mode, const ConnectionOptions& options = {});

  // On a clean close the write-ahead log is folded into the file and truncated: a copy of the file alone is
  // whole.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one or several statements that take no values and give no rows.
  void Execute(const std::string& sql);

  // First column of the first row.
  int64_t QueryInt64(const std::string& sql);
  std::string QueryText(const std::string& sql);

  // Takes the write lock, touches the file and takes both back: throws EnvironmentError if the database is
  // locked or cannot be written; the file is left as it is.
  void CheckWritable();

  // While set, closing leaves a pending write-ahead log as it was found. Set at opening if there is one: a
  // file that is refused, or only read, is not rewritten.
  void KeepLogOnClose(bool keep);

  int64_t LastInsertId() const;
  bool InTransaction() const;
  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  friend class Transaction;
  struct CloseHandle {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  void Open(const std::string& uri_or_path, int flags);
  void OpenReadOnly();
  void ReadHeader();
  [[noreturn]] void Fail(int code, const std::string& doing) const;
  static int OnBusy(void* self, int count);

  std::string path_;
  ConnectionOptions options_;
  bool may_write_ = true;
  bool keep_log_ = false;
  bool closing_ = false;
  std::chrono::steady_clock::time_point wait_start_;
  int waits_reported_ = 0;
  std::unique_ptr<sqlite3, CloseHandle> handle_;
  // Prepared statements at rest, by their text.
  std::unordered_multimap<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> cache_;
};

// A prepared statement on loan from its connection's cache, given back (reset, values cleared) at the end of
// the scope. Parameters count from 1, columns from 0, as in SQLite.
class Statement {
 public:
  Statement(Connection& connection, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& BindNull(int parameter);
  Statement& BindInt64(int parameter, int64_t value);
  Statement& BindDouble(int parameter, double value);  // NaN is stored as NULL.
  Statement& BindText(int parameter, std::string_view value);
  Statement& BindBlob(int parameter, std::string_view value);  // Empty is stored as NULL, as COLMAP does.

  // True: a row is there. False: done.
  bool Step();
  // Steps once and expects no row.
  void Run();

  bool IsNull(int column) const;
  int64_t Int64(int column) const;
  double Double(int column) const;
  std::string Text(int column) const;
  // Valid until the next step. NULL is empty; a text or a number is its characters (callers check the
  // length).
  std::string_view Blob(int column) const;

 private:
  void Check(int code) const;

  Connection& connection_;
  std::string sql_;
  std::unique_ptr<sqlite3_stmt, Connection::Finalize> statement_;
};

// BEGIN IMMEDIATE ... COMMIT. The write lock is taken here, so nothing fails half-way for a lock. Left
// without Commit() or Rollback(), by return or by exception, everything is rolled back.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  Transaction(Transaction&& other) noexcept;
  ~Transaction();
  Transaction& operator=(Transaction&&) = delete;

  // If it throws, the transaction is still active: it can be tried again or rolled back.
  void Commit();
  void Rollback();
  bool active() const { return active_; }

 private:
  Connection* connection_;
  bool active_ = false;
};

}  // namespace colmatch
