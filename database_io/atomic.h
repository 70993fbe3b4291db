// Makes several statements one step: inside the caller's transaction, or in one of its own if there is none.
#pragma once

#include <optional>

#include "database_io/sqlite.h"

namespace colmatch {

class Atomic {
 public:
  explicit Atomic(Connection& connection) {
    if (!connection.InTransaction()) own_.emplace(connection);
  }
  void Commit() {
    if (own_) own_->Commit();
  }

 private:
  std::optional<Transaction> own_;
};

}  // namespace colmatch
