// The commands of the whole program.
#include <iostream>
#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "plugin/commands/command_list.h"

namespace colmatch {

std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(MakeAutomaticReconstructorCommand());
  commands.push_back(MakeBatchReconstructorCommand());
  commands.push_back(MakeFeatureExtractorCommand());
  commands.push_back(MakeExhaustiveMatcherCommand());
  commands.push_back(MakeSequentialMatcherCommand());
  commands.push_back(MakeSpatialMatcherCommand());
  commands.push_back(MakeTransitiveMatcherCommand());
  commands.push_back(MakeMatchesImporterCommand());
  commands.push_back(MakeRetrievalMatcherCommand());
  commands.push_back(MakeVocabTreeMatcherCommand());
  commands.push_back(MakeVocabTreeBuilderCommand());
  commands.push_back(MakeVocabTreeRetrieverCommand());
  commands.push_back(MakeDatabaseMergerCommand());
  commands.push_back(MakeRotatedMatcherCommand());
  commands.push_back(MakeGeometricVerifierCommand());
  commands.push_back(MakeMatchCommand());
  commands.push_back(MakePlanCommand());
  commands.push_back(MakeExtractBlockCommand());
  commands.push_back(MakeMatchBlockCommand());
  commands.push_back(MakeMergeCommand());
  commands.push_back(MakePlanStatusCommand());
  commands.push_back(MakeDemoSceneCommand());
  commands.push_back(MakePrepareShardsCommand());
  commands.push_back(MakePrepareViewsCommand());
  commands.push_back(MakeTrainCommand());
  commands.push_back(MakeCompareRunsCommand());
  commands.push_back(MakeEvaluateCommand());
  commands.push_back(MakeLayerStudyCommand());
  commands.push_back(MakeCompressCommand(ScanSensitivity));
  commands.push_back(MakeBenchmarkCommand(ReadBenchmarkPhotos));
  commands.push_back(MakeWeightsCommand());
  commands.push_back(MakeDoctorCommand(CheckPhotosAndDatabase));
  commands.push_back(MakeCompletionCommand());
  return commands;
}

void QuietDecoders() {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  std::cerr.setstate(std::ios_base::failbit);  // cv::imdecode prints there whatever the log level
}

void LimitImageThreads(int threads) { cv::setNumThreads(threads); }

}  // namespace colmatch
