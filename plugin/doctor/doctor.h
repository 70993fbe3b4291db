// What `colmatch doctor` looks at, a line a check.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/runtime/common_options.h"

namespace colmatch {

enum class Health {
  kOk,
  kNote,     // works, but could be better
  kProblem,  // something that is needed is broken
};

struct DoctorCheck {
  std::string name;
  Health health = Health::kOk;
  std::string found;
  std::string advice;  // what to do; empty where all is well
};

// database_path may be empty: no database is checked. Does not throw for what it finds broken.
using DoctorChecks =
    std::function<std::vector<DoctorCheck>(const std::string& database_path, const CommonOptions& common)>;

// What every build can say of itself: program, LibTorch, matrix products, processor, GPU, threads, weights.
std::vector<DoctorCheck> CheckMachine(const CommonOptions& common);

// OpenCV, SQLite, COLMAP and, if one is named, the database. Only in the whole program.
std::vector<DoctorCheck> CheckPhotosAndDatabase(const std::string& database_path,
                                                const CommonOptions& common);

// The database alone: opens, integrity, dialect, counts, whose features, what is left to do. Writes nothing.
std::vector<DoctorCheck> CheckDatabase(const std::string& database_path, const CommonOptions& common);

}  // namespace colmatch
