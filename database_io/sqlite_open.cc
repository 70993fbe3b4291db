// Opening and closing a database file, and the plain text of what can be wrong with it.
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "database_io/sqlite.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// A relative path gets a folder, so that SQLite takes neither ":memory:" nor "file:..." for its own names.
std::string LiteralPath(const std::string& path) { return path[0] == '/' ? path : "./" + path; }

fs::path ParentOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

bool LogIsPending(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path + "-wal", error);
  return !error && size > 0;
}

// What SQLite would report as "unable to open database file", told apart. Also keeps it from waiting on a
// pipe.
void CheckPath(const std::string& path, OpenMode mode) {
  if (path.empty()) throw UsageError("the path of the database is empty");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) throw EnvironmentError(path + " is a folder; expected a database file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw EnvironmentError(path + " is not a regular file; expected a database file");
  }
  if (fs::exists(status)) return;
  if (!fs::is_directory(ParentOf(path), error)) {
    throw EnvironmentError("cannot open " + path + ": the folder " + ParentOf(path).string() +
                           " does not exist; create it first");
  }
  if (mode != OpenMode::kReadWriteCreate) {
    throw EnvironmentError("there is no database " + path +
                           "; run feature_extractor first, or check the path");
  }
  // SQLite would try to read what it cannot make, and report that there is no such file.
  if (access(ParentOf(path).c_str(), W_OK) != 0) {
    throw EnvironmentError("cannot make the database " + path + ": the folder " + ParentOf(path).string() +
                           " cannot be written (" + std::strerror(errno) +
                           "); change its permissions or give another path");
  }
}

// file: URI of an absolute path, for the one mode that needs a URI.
std::string ImmutableUri(const std::string& path) {
  std::string uri = "file:";
  for (const unsigned char c : fs::absolute(path).string()) {
    const char* hex = "0123456789ABCDEF";
    if (std::isalnum(c) != 0 || std::strchr("/-_.~", c) != nullptr) {
      uri += static_cast<char>(c);
    } else {
      uri += {'%', hex[c >> 4], hex[c & 15]};
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

void Connection::CloseHandle::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Connection::Connection(const std::string& path, OpenMode mode, const ConnectionOptions& options)
    : path_(path), options_(options), may_write_(mode != OpenMode::kReadOnly) {
  CheckPath(path, mode);
  const bool log_is_pending = LogIsPending(path);
  if (mode == OpenMode::kReadOnly) {
    OpenReadOnly();
  } else {
    Open(LiteralPath(path),
         SQLITE_OPEN_READWRITE | (mode == OpenMode::kReadWriteCreate ? SQLITE_OPEN_CREATE : 0));
    if (sqlite3_db_readonly(handle_.get(), "main") == 1) Fail(SQLITE_READONLY, "opening");
  }
  KeepLogOnClose(log_is_pending);
  ReadHeader();
}

Connection::~Connection() {
  if (!handle_) return;
  closing_ = true;  // A reader elsewhere is no reason to wait: SQLite folds the log in at the next close.
  cache_.clear();
  if (may_write_ && !keep_log_ && !InTransaction()) {
    sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }
  handle_.reset();
}

void Connection::Open(const std::string& uri_or_path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(uri_or_path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) Fail(code, "opening");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, &Connection::OnBusy, this);
  // The file may come from anyone: its schema must not reach beyond itself.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
}

// A read-only handle of SQLite leaves -wal and -shm files beside a database in WAL mode, which all of
// COLMAP's are. So where the file could be written it is opened so, with writing switched off, and closing
// tidies up.
void Connection::OpenReadOnly() {
  const std::string literal = LiteralPath(path_);
  if (access(literal.c_str(), W_OK) == 0 && access(ParentOf(literal).c_str(), W_OK) == 0) {
    Open(literal, SQLITE_OPEN_READWRITE);
  } else {
    Open(literal, SQLITE_OPEN_READONLY);
    const int code = sqlite3_exec(handle_.get(), "PRAGMA schema_version", nullptr, nullptr, nullptr) & 0xff;
    // No -shm file can be made here. Without a pending log the file itself is all there is to read.
    if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && !LogIsPending(path_)) {
      Open(ImmutableUri(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
  }
  Execute("PRAGMA query_only = ON");
}

void Connection::ReadHeader() {
  Execute("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
  // The first read of the file: SQLite finds here that it is not a database, or shorter than it says.
  QueryInt64("SELECT count(*) FROM sqlite_master");
}

void Connection::KeepLogOnClose(bool keep) {
  keep_log_ = keep;
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

int Connection::OnBusy(void* self, int count) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) {
    connection.wait_start_ = now;
    connection.waits_reported_ = 0;
  }
  const auto waited_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now - connection.wait_start_).count();
  if (connection.closing_ || waited_ms >= connection.options_.busy_timeout_ms) return 0;
  if (connection.options_.on_wait && waited_ms / 1000 > connection.waits_reported_) {
    connection.waits_reported_ = static_cast<int>(waited_ms / 1000);
    connection.options_.on_wait(static_cast<int>(waited_ms));
  }
  const int64_t left_ms = connection.options_.busy_timeout_ms - waited_ms;
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int64_t>({1 + count, 50, left_ms})));
  return 1;
}

void Connection::Fail(int code, const std::string& doing) const {
  const std::string detail = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const int system_error = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
  const std::string reason = system_error != 0 ? std::string(" (") + std::strerror(system_error) + ")" : "";
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw EnvironmentError("the database " + path_ + " is locked: another program is writing to it, and " +
                             std::to_string(options_.busy_timeout_ms / 1000.0).substr(0, 5) +
                             " s of waiting did not help; let it finish and run the same command again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw EnvironmentError(
          "the database " + path_ +
          " is read-only: the file or its folder cannot be written; change its permissions or "
          "copy it elsewhere");
    case SQLITE_NOTADB:
      throw EnvironmentError(path_ + " is not an SQLite database; it was left as it is, give another path");
    case SQLITE_CORRUPT:
      throw EnvironmentError(
          "the database " + path_ + " is damaged (" + detail +
          "); restore a copy, and if it was copied, copy the -wal file that lay beside it too");
    case SQLITE_CANTOPEN:
      throw EnvironmentError("cannot open the database " + path_ + reason +
                             "; check that its folder can be written and the disk is mounted");
    case SQLITE_FULL:
      throw EnvironmentError("the disk is full while writing the database " + path_ +
                             "; what was committed is kept: free some space and run the same command again");
    case SQLITE_IOERR:
      throw EnvironmentError("reading or writing the database " + path_ + " failed: " + detail + reason +
                             "; check the disk and its free space and run the same command again");
    case SQLITE_NOMEM:
      throw EnvironmentError("out of memory while " + doing + " in " + path_);
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      throw InputError("the database " + path_ + " refused a value: " + detail + ", while " + doing);
    default:
      throw EnvironmentError("SQLite failed on " + path_ + ": " + detail + ", while " + doing);
  }
}

}  // namespace colmatch
