// How commands open the database; see database_options.h.
#include "plugin/extraction/database_options.h"

#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {

ConnectionOptions ConnectionOptionsOf(const CommonOptions& common) {
  CommonOptions::kBusyTimeout.Require(common.busy_timeout_s);
  ConnectionOptions options;
  options.busy_timeout_ms = static_cast<int>(common.busy_timeout_s * 1000);
  options.on_wait = [](int waited_ms) {
    if (waited_ms >= 1000 && waited_ms < 2000) LogInfo("another program holds the database; waiting for it");
  };
  return options;
}

}  // namespace colmatch
