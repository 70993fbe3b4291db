// Commands of the Python package; see python_commands.h.
#include "plugin/options/python_commands.h"

#include <algorithm>

#include "plugin/runtime/handover.h"
#include "util/error.h"

namespace colmatch {
namespace {

bool IsOption(const std::string& argument, const std::string& option) {
  return argument == option || argument.rfind(option + "=", 0) == 0;
}

}  // namespace

std::vector<std::string> PythonCommands() {
  return {"export_features", "import_features", "export_matches", "import_matches"};
}

bool IsPythonCommand(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return false;
  const auto commands = PythonCommands();
  if (std::find(commands.begin(), commands.end(), arguments[0]) != commands.end()) return true;
  return arguments[0] == "match" && std::any_of(arguments.begin(), arguments.end(),
                                                [](const auto& a) { return IsOption(a, "--pairs"); });
}

int RunPythonCommand(const std::vector<std::string>& arguments) {
  constexpr double kTimeout = 60;  // seconds; a first import from a cold disk
  constexpr char kFound[] = "colmatch is here";
  const std::string python = PythonInterpreter();
  const std::string answer =
      OutputOf({python, "-c", std::string("import colmatch.hdf5; print('") + kFound + "')"}, kTimeout);
  if (answer.rfind(kFound, 0) != 0) {
    throw EnvironmentError(
        arguments[0] + (arguments[0] == "match" ? " --pairs" : "") +
        " is done by the Python package colmatch, which " + python +
        " cannot import: run pip install '.[hdf5]' in the checkout (docs/python.md), or name "
        "an interpreter that has it, " +
        kPythonVariable + "=PATH");
  }
  std::vector<std::string> command = {python, "-m", "colmatch"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunProgram(command, "");
}

}  // namespace colmatch
