// The program `colmatch`: finds the command, runs it, turns errors into the exit status.
#include <fcntl.h>
#include <poll.h>
#include <torch/torch.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "matcher/devices.h"
#include "plugin/commands/command_list.h"
#include "plugin/commands/program.h"
#include "plugin/options/options_in_force.h"
#include "plugin/options/program_help.h"
#include "plugin/options/project_file.h"
#include "plugin/options/project_filter.h"
#include "plugin/options/python_commands.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"

namespace colmatch {
namespace {

// A program started with one of its streams closed would get that number for the first file it opens, and
// print into it.
void OpenStandardStreams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_RDWR);  // the lowest number free
  }
}

// OpenMP's threads spin while they wait for work, on the cores that verification needs: 28 pairs took 13.7 s
// instead of 7.8. libgomp reads how to wait when it is loaded, so the program starts itself once more, told
// so. Whoever has set a policy keeps it, and programs that are called do not inherit ours.
class PatientThreads {
 public:
  // Before anything else.
  explicit PatientThreads(char** argv) : argv_(argv), restarted_(std::getenv(kRestarted) != nullptr) {
    if (restarted_) Forget();
  }
  // Comes back only where there is nothing to be done, or it cannot be.
  void RestartOnce() const {
    if (restarted_ || std::getenv(kPolicy) != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
    setenv(kPolicy, "passive", 1);
    setenv(kRestarted, "1", 1);
    execv("/proc/self/exe", argv_);
    Forget();
  }

 private:
  static constexpr char kPolicy[] = "OMP_WAIT_POLICY", kRestarted[] = "COLMATCH_RESTARTED";
  static void Forget() {
    unsetenv(kPolicy);
    unsetenv(kRestarted);
  }

  char** argv_;
  bool restarted_;
};

int RunCommand(CLI::App& app, std::vector<std::string> arguments,
               const std::vector<std::unique_ptr<Command>>& commands, CommonOptions& common,
               const PatientThreads& patience) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error, std::cout, std::clog);  // std::cerr is mute, see QuietDecoders
    return status == 0 ? 0 : 1;
  }
  if (Command* command = CommandOf(app, commands)) {
    if (command->uses_openmp() && NumWorkers(common) > 1) patience.RestartOnce();
    return RunCommandOf(*command, common);
  }
  PrintProgramHelp(app, NumGpus() > 0);
  return 0;
}

bool IsKnown(const std::string& name, const std::vector<std::unique_ptr<Command>>& commands) {
  for (const auto& command : commands) {
    const auto aliases = command->aliases();
    if (command->name() == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end())
      return true;
  }
  return name.empty() || name[0] == '-';
}

// Whether nobody reads standard output any more, as after `| head -1`.
bool OutputIsClosed() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

// What main returns, or 3 where what was printed did not reach its file: a full disk must not look like
// success. Where its reader has left, the process ends as others do then, by SIGPIPE; until here the signal
// was ignored, so that work goes on.
int StatusOfOutput(int status) {
  std::cout.flush();
  if (std::cout && std::fflush(stdout) == 0) return status;
  if (errno == EPIPE || OutputIsClosed()) {
    RestoreSignals();
    raise(SIGPIPE);
  }
  std::fprintf(stderr, "error: standard output cannot be written: %s\n", std::strerror(errno));
  return status == 0 ? 3 : status;
}

int Main(int argc, char** argv) {
  const PatientThreads patience(argv);
  OpenStandardStreams();
  KeepFreedMemory();
  InstallSignalHandlers();
  QuietDecoders();
  const auto commands = AllCommands();
  const std::string wanted = argc > 1 ? argv[1] : "";
  if (AnswerProbe(argc, argv)) return 0;
  if (AsksForVersion(wanted)) {
    PrintVersion(NumGpus() > 0);
    return 0;
  }
  if (IsPythonCommand({argv + 1, argv + argc})) return RunPythonCommand({argv + 1, argv + argc});
  if (!AsksForHelp(wanted) && !IsKnown(wanted, commands)) return HandOverToColmap({argv + 1, argv + argc});

  CLI::App app{kProgramDescription};
  CommonOptions common;
  common.command_line = CommandLineText(argc, argv);
  common.arguments.assign(argv + 1, argv + argc);
  DeclareCommands(app, commands, common);
  if (AsksForHelp(wanted)) {
    PrintProgramHelp(app, NumGpus() > 0);
    return 0;
  }
  const std::vector<std::string> said(argv + 1, argv + argc);
  ProjectFilter filter(app, wanted, said);
  const auto arguments =
      ExpandProjectFiles(said, [&](const std::string& option) { return filter.LeavesOut(option); });
  return RunCommand(app, arguments, commands, common, patience);
}

}  // namespace
}  // namespace colmatch

int main(int argc, char** argv) {
  try {
    return colmatch::StatusOfOutput(colmatch::Main(argc, argv));
  } catch (const colmatch::Error& error) {
    std::fprintf(stderr, "error: %s\n", colmatch::Printable(error.what()).c_str());
    return error.exit_status();
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "error: LibTorch: %s\n", error.what_without_backtrace());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", colmatch::Printable(error.what()).c_str());
    return 3;
  }
}
