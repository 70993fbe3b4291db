// The commands of the whole program.
#include "plugin/command_list.h"

namespace colmatch {

std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(MakeAutomaticReconstructorCommand());
  commands.push_back(MakeFeatureExtractorCommand());
  commands.push_back(MakeExhaustiveMatcherCommand());
  commands.push_back(MakeGeometricVerifierCommand());
  commands.push_back(MakeMatchCommand());
  commands.push_back(MakeDemoSceneCommand());
  commands.push_back(MakePrepareShardsCommand());
  commands.push_back(MakeTrainCommand());
  commands.push_back(MakeEvaluateCommand());
  commands.push_back(MakeWeightsCommand());
  return commands;
}

}  // namespace colmatch
