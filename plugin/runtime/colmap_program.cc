// Finding COLMAP; see colmap_program.h.
#include "plugin/runtime/colmap_program.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <regex>
#include <sstream>

#include "plugin/runtime/handover.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kProbe[] = "colmatch_probe";
constexpr char kProbeAnswer[] = "colmatch answers the probe";

// A link or a hard link to the running program.
bool IsThisProgram(const std::string& path) {
  std::error_code error;
  return fs::equivalent(path, "/proc/self/exe", error) && !error;
}

// Nothing where the program is colmatch. One that does not answer in time is taken for COLMAP: a container
// may take long to start.
std::optional<ColmapProgram> Ask(const std::string& path) {
  if (IsThisProgram(path)) return std::nullopt;
  constexpr double kPatience_s = 20;
  ColmapProgram program{path, OutputOf({path, "help", kProbe}, kPatience_s)};
  if (program.help.find(kProbeAnswer) != std::string::npos) return std::nullopt;
  return program;
}

ColmapProgram Named(const std::string& name) {
  const std::string setting = std::string(kColmapVariable) + "=" + name;
  const auto found =
      name.find('/') == std::string::npos ? ProgramsOnPath(name) : std::vector<std::string>{name};
  if (found.empty() || !IsProgram(found.front()))
    throw EnvironmentError(setting + " names no program: expected the path of COLMAP's `colmap`");
  auto program = Ask(found.front());
  if (!program) {
    throw EnvironmentError(setting +
                           " names colmatch: expected the path of COLMAP's own `colmap`, or leave it unset");
  }
  return *std::move(program);
}

// The first group of the expression.
std::string Find(const std::string& text, const char* expression) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(expression)) ? match[1].str() : "";
}

}  // namespace

std::string ColmapProgram::Version() const { return Find(help, R"(COLMAP (\d\S*))"); }

std::string ColmapProgram::Commit() const { return Find(help, R"(\((Commit .*) with(?:out)? CUDA\))"); }

bool ColmapProgram::HasCuda() const { return help.find("with CUDA)") != std::string::npos; }

std::vector<std::string> ColmapProgram::Commands() const {
  std::istringstream lines(help);
  std::string line;
  while (std::getline(lines, line) && line.rfind("Available commands", 0) != 0) {
  }
  std::vector<std::string> commands;
  for (std::string word; lines >> word;) commands.push_back(word);
  return commands;
}

std::optional<ColmapProgram> FindColmap() {
  const char* const named = std::getenv(kColmapVariable);
  if (named != nullptr && named[0] != '\0') return Named(named);
  for (const std::string& candidate : ProgramsOnPath("colmap")) {
    if (auto program = Ask(candidate)) return program;
  }
  return std::nullopt;
}

bool AnswerProbe(int argc, char** argv) {
  if (argc < 3 || std::strcmp(argv[1], "help") != 0 || std::strcmp(argv[2], kProbe) != 0) return false;
  std::puts(kProbeAnswer);
  return true;
}

}  // namespace colmatch
