// LibTorch's archives as files of ours. A checksum goes in front, because LibTorch's own reader checks none
// and would give damaged numbers. Little endian: 8 bytes "CMARCHV1", u64 size and u32 CRC-32 of the archive,
// the archive. A file that starts with the archive itself, as they were written before, is read without the
// check.
#pragma once

#include <torch/serialize.h>

#include <functional>
#include <string>

namespace colmatch {

// Atomic. Throws EnvironmentError.
void WriteArchiveFile(const std::string& path, torch::serialize::OutputArchive& archive);

// read() takes what it needs from the archive. A missing or damaged file, and whatever read() throws for an
// archive of another kind, becomes an EnvironmentError "PATH: not <what>, or damaged (cause); <remedy>";
// errors of ours pass.
void ReadArchiveFile(const std::string& path, const std::string& what, const std::string& remedy,
                     const std::function<void(torch::serialize::InputArchive&)>& read);

}  // namespace colmatch
