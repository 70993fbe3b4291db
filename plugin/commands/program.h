// Running a command whose options were parsed: what the program and the Python module (python/) share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin/runtime/command.h"

namespace colmatch {

// glibc keeps freed memory for the networks' temporaries, instead of asking the system for it each time.
void KeepFreedMemory();

// Threads of everything that computes, for the calling thread and what it starts.
void UseThreads(int threads);

// Checks --num_threads; turns COLMAP's words for the device into common.device. Throws UsageError.
void ResolveCommonOptions(CommonOptions& common);

// Throws UsageError unless `precision` is auto, fp32 or among `known`. name: of what computes.
void RequireKnownPrecision(const std::string& precision, std::vector<std::string> known,
                           const std::string& name);

// The command that `app` has parsed; nullptr if none.
Command* CommandOf(const CLI::App& app, const std::vector<std::unique_ptr<Command>>& commands);

// Applies the common options and runs the command: its exit status. Throws what the command throws.
int RunCommandOf(Command& command, CommonOptions& common);

}  // namespace colmatch
