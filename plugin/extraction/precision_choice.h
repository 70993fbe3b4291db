// What --precision auto means: the fastest arithmetic of this machine that was shown to match as fp32 does,
// or that of the rows which are there already.
#pragma once

#include <string>

#include "database_io/colmap_database.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Of which rows of a database.
enum class RowsKind { kFeatures, kPairs };

// The options with a precision that is not auto. Says in one line what was chosen.
CommonOptions WithPrecision(CommonOptions common);
// The same for a command that adds rows to a database: auto is the precision of the rows that are there, so
// that a run goes on alike on another machine.
CommonOptions WithPrecision(CommonOptions common, ColmapDatabase& database, RowsKind rows);
// The same for a command that makes the file where it does not exist.
CommonOptions WithPrecision(CommonOptions common, const std::string& database_path, RowsKind rows);

// fp32, bf16, fp16 or int8: the precision that a row's provenance names.
std::string PrecisionOfProvenance(const std::string& provenance);

}  // namespace colmatch
