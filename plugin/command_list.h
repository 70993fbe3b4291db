// The makers of all commands.
#pragma once

#include <memory>

#include "plugin/command.h"

namespace colmatch {

std::unique_ptr<Command> MakeAutomaticReconstructorCommand();
std::unique_ptr<Command> MakeDemoSceneCommand();
std::unique_ptr<Command> MakeEvaluateCommand();
std::unique_ptr<Command> MakeExhaustiveMatcherCommand();
std::unique_ptr<Command> MakeFeatureExtractorCommand();
std::unique_ptr<Command> MakeGeometricVerifierCommand();
std::unique_ptr<Command> MakeMatchCommand();
std::unique_ptr<Command> MakePrepareShardsCommand();
std::unique_ptr<Command> MakeTrainCommand();
std::unique_ptr<Command> MakeWeightsCommand();

}  // namespace colmatch
