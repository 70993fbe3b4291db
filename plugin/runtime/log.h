// What the program tells a person while it works, on standard error. One file includes the logging library.
#pragma once

#include <string>

namespace colmatch {

// debug, info, warn, error or off; COLMAP's numbers count as info. Throws UsageError.
void SetLogLevel(const std::string& level);

// Control characters as \\xNN: names of files and entries come from anyone, and must neither break a line nor
// steer a terminal. The Log functions do it themselves.
std::string Printable(const std::string& text);

void LogInfo(const std::string& message);
void LogWarning(const std::string& message);

}  // namespace colmatch
