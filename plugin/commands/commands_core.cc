// The commands of a build with LibTorch alone (preset core): no image codec, no database.
#include "plugin/commands/command_list.h"

namespace colmatch {

std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(MakeTrainCommand());
  commands.push_back(MakeCompareRunsCommand());
  commands.push_back(MakeCompressCommand({}));
  commands.push_back(MakeBenchmarkCommand({}));
  commands.push_back(MakeWeightsCommand());
  commands.push_back(MakeDoctorCommand({}));
  commands.push_back(MakeCompletionCommand());
  return commands;
}

// There are none in this build.
void QuietDecoders() {}
void LimitImageThreads(int) {}

}  // namespace colmatch
