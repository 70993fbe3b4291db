// How many cores this process may use.
#pragma once

#include <optional>
#include <string>

namespace colmatch {

// The cores of the process's affinity mask (taskset, Slurm, cpusets), at most the CPU quota of its control
// group (containers, systemd), rounded up; at least 1.
int AvailableCores();

// The quota in cores that the text of a control group's cpu.max ("200000 100000") gives; nothing for "max" or
// other text.
std::optional<double> CpuQuotaOf(const std::string& cpu_max);

}  // namespace colmatch
