// The options of a command with the values in force, given or default: for reports, and for telling whether a
// run is the same as one before.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace colmatch {

// Names without their hyphens. Options that are there for COLMAP's scripts (kColmapGroup) are listed where
// they were given. app: parsed.
std::vector<std::pair<std::string, std::string>> OptionsInForce(const CLI::App& app);

// A command line as a shell takes it: words that need it are quoted.
std::string CommandLineText(int argc, char** argv);

}  // namespace colmatch
