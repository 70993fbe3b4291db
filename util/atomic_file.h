// Writing a file so that a reader sees the old one or the new one, never a part: temporary name, fsync,
// rename.
#pragma once

#include <string>
#include <string_view>

namespace colmatch {

// The temporary name is PATH.tmpPID. Throws EnvironmentError naming the path and the cause (disk full, no
// such folder, ...).
void WriteFileAtomically(const std::string& path, std::string_view bytes);

// Removes the temporaries of this one path that killed processes left behind. A process of another machine
// counts as dead here: two machines must not write the same file.
void RemoveStaleTemporaries(const std::string& path);

// Makes the folder and those above it where they are missing. Throws EnvironmentError naming the path and the
// cause.
void MakeFolder(const std::string& path);

}  // namespace colmatch
