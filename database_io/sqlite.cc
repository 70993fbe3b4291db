// Statements and transactions on an open database.
#include "database_io/sqlite.h"

#include <sqlite3.h>

#include <stdexcept>

#include "util/error.h"

namespace colmatch {

void Connection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Connection::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code, sql);
}

int64_t Connection::QueryInt64(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Int64(0) : 0;
}

std::string Connection::QueryText(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Text(0) : "";
}

void Connection::CheckWritable() {
  Transaction transaction(*this);
  // Not a change, but enough for SQLite to open the journal it would need for one.
  Execute("PRAGMA user_version = " + std::to_string(QueryInt64("PRAGMA user_version")));
  transaction.Rollback();
}

int64_t Connection::LastInsertId() const { return sqlite3_last_insert_rowid(handle_.get()); }

bool Connection::InTransaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

Statement::Statement(Connection& connection, const std::string& sql) : connection_(connection), sql_(sql) {
  const auto found = connection.cache_.find(sql);
  if (found != connection.cache_.end()) {
    statement_ = std::move(found->second);
    connection.cache_.erase(found);
    return;
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection.handle_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  Check(code);
}

Statement::~Statement() {
  // The code of a reset repeats that of the last step, which has been thrown already.
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  try {
    connection_.cache_.emplace(std::move(sql_), std::move(statement_));
  } catch (...) {  // Out of memory: the statement is finalized instead of kept.
  }
}

void Statement::Check(int code) const {
  if (code != SQLITE_OK) connection_.Fail(code, sql_);
}

Statement& Statement::BindNull(int parameter) {
  Check(sqlite3_bind_null(statement_.get(), parameter));
  return *this;
}

Statement& Statement::BindInt64(int parameter, int64_t value) {
  Check(sqlite3_bind_int64(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::BindDouble(int parameter, double value) {
  Check(sqlite3_bind_double(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::BindText(int parameter, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();
  Check(sqlite3_bind_text64(statement_.get(), parameter, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(int parameter, std::string_view value) {
  if (value.empty()) return BindNull(parameter);
  Check(sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_TRANSIENT));
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  connection_.Fail(code, sql_);
}

void Statement::Run() {
  if (Step()) throw std::logic_error("a statement that should give no rows gave one: " + sql_);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

int64_t Statement::Int64(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::Double(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string() : std::string(text, static_cast<size_t>(size));
}

std::string_view Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  return {static_cast<const char*>(data),
          static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Transaction::Transaction(Connection& connection) : connection_(&connection) {
  if (connection.InTransaction())
    throw std::logic_error("a transaction is already active on " + connection.path());
  connection.Execute("BEGIN IMMEDIATE");
  active_ = true;
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(other.connection_), active_(other.active_) {
  other.active_ = false;
}

Transaction::~Transaction() {
  if (active_) sqlite3_exec(connection_->handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::Commit() {
  if (!active_) throw std::logic_error("commit of a transaction that is over");
  // After a full disk or an I/O error SQLite may have rolled back already; COMMIT would only say "no
  // transaction".
  if (!connection_->InTransaction()) {
    throw EnvironmentError("SQLite took a transaction on " + connection_->path() +
                           " back after an earlier error (disk full or failing); run the same command again");
  }
  connection_->Execute("COMMIT");
  active_ = false;
}

void Transaction::Rollback() {
  if (!active_) throw std::logic_error("rollback of a transaction that is over");
  if (connection_->InTransaction()) connection_->Execute("ROLLBACK");
  active_ = false;
}

}  // namespace colmatch
