// Where COLMAP's own program is. Other programs call colmatch by the name `colmap`, through a link or a
// wrapper of that name on PATH: the `colmap` that comes first may be colmatch itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace colmatch {

inline constexpr char kColmapVariable[] = "COLMATCH_COLMAP";

struct ColmapProgram {
  std::string path;
  std::string help;  // what `PATH help` prints; may be empty where the program did not answer

  // "3.8", of the line "COLMAP 3.8 -- Structure-from-Motion ..."; empty where there is no such line.
  std::string Version() const;
  // "Commit 5d968cf on 2026-08-08", of the line "(Commit ... with CUDA)"; empty where there is none.
  std::string Commit() const;
  bool HasCuda() const;
  std::vector<std::string> Commands() const;  // of its list of commands
};

// The program that the environment variable COLMATCH_COLMAP names (a path, or a name to be found on PATH);
// without it the first `colmap` on PATH that is not colmatch, whatever leads to it: a link, a copy, a script.
// Nothing where there is none. Throws EnvironmentError where COLMATCH_COLMAP names no program, or colmatch.
std::optional<ColmapProgram> FindColmap();

// FindColmap recognises colmatch by the answer to `PROGRAM help colmatch_probe`, which COLMAP answers with
// its help. True where these arguments are that question; it is then answered on standard output.
bool AnswerProbe(int argc, char** argv);

}  // namespace colmatch
