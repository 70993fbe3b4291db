// What `colmatch`, `colmatch help` and `colmatch --version` print. Programs that call COLMAP read its version
// and whether it has CUDA off its help: those two lines come first, in COLMAP's words.
#pragma once

#include <CLI/CLI.hpp>

namespace colmatch {

// Whether the word asks for the program's help, or its version, in one of COLMAP's ways or ours.
bool AsksForHelp(const std::string& word);
bool AsksForVersion(const std::string& word);

// On standard output. app: with all commands declared. CUDA is said to be there where colmatch sees a GPU or
// COLMAP was built for one: colmatch never fails for lack of a GPU.
void PrintProgramHelp(const CLI::App& app, bool has_gpu);
void PrintVersion(bool has_gpu);

}  // namespace colmatch
