// Writing a file so that a reader sees the old one or the new one, never a part: temporary name, fsync, rename.
#pragma once

#include <string>
#include <string_view>

namespace colmatch {

// Throws EnvironmentError naming the path and the cause (disk full, no such folder, ...).
void WriteFileAtomically(const std::string& path, std::string_view bytes);

// The whole file. Throws EnvironmentError.
std::string ReadWholeFile(const std::string& path);

}  // namespace colmatch
