// How commands open the database.
#pragma once

#include "database_io/sqlite.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Waits for another program's lock as long as --busy_timeout says, and tells so once.
ConnectionOptions ConnectionOptionsOf(const CommonOptions& common);

}  // namespace colmatch
