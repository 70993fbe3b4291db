// What the program tells a person while it works, on standard error. One file includes the logging library.
#pragma once

#include <string>

namespace colmatch {

// debug, info, warn, error or off; COLMAP's numbers count as info. Throws UsageError.
void SetLogLevel(const std::string& level);
void LogInfo(const std::string& message);
void LogWarning(const std::string& message);

}  // namespace colmatch
