// How much memory there is, asked before it is taken: a process that the kernel ends says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace colmatch {

// Bytes that this process may still take: of the machine, of its control group, of its own limit (ulimit -v),
// the least. Nothing where the system tells none of them.
std::optional<uint64_t> AvailableMemory();

// "1.5 GB", "20 MB".
std::string MemoryText(uint64_t bytes);

}  // namespace colmatch
