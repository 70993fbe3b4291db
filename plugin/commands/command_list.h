// What a build offers: the makers of all commands, and what they need once.
#pragma once

#include <memory>

#include "plugin/doctor/doctor.h"
#include "plugin/experiments/benchmark_photos.h"
#include "plugin/experiments/sensitivity.h"
#include "plugin/runtime/command.h"

namespace colmatch {

std::unique_ptr<Command> MakeAutomaticReconstructorCommand();
std::unique_ptr<Command> MakeBatchReconstructorCommand();
// read_photos may be empty: a build without image codecs.
std::unique_ptr<Command> MakeBenchmarkCommand(BenchmarkPhotoReader read_photos);
std::unique_ptr<Command> MakeCompareRunsCommand();
// scan may be empty: a build that cannot measure.
std::unique_ptr<Command> MakeCompressCommand(SensitivityScan scan);
std::unique_ptr<Command> MakeCompletionCommand();
std::unique_ptr<Command> MakeDatabaseMergerCommand();
std::unique_ptr<Command> MakeDemoSceneCommand();
std::unique_ptr<Command> MakeLayerStudyCommand();
// more: what a build knows beyond LibTorch (doctor.h); may be empty.
std::unique_ptr<Command> MakeDoctorCommand(DoctorChecks more);
std::unique_ptr<Command> MakeEvaluateCommand();
std::unique_ptr<Command> MakeExhaustiveMatcherCommand();
std::unique_ptr<Command> MakeExtractBlockCommand();
std::unique_ptr<Command> MakeFeatureExtractorCommand();
std::unique_ptr<Command> MakeGeometricVerifierCommand();
std::unique_ptr<Command> MakeMatchBlockCommand();
std::unique_ptr<Command> MakeMatchCommand();
std::unique_ptr<Command> MakeMatchesImporterCommand();
std::unique_ptr<Command> MakeMergeCommand();
std::unique_ptr<Command> MakePlanCommand();
std::unique_ptr<Command> MakePlanStatusCommand();
std::unique_ptr<Command> MakePrepareShardsCommand();
std::unique_ptr<Command> MakePrepareViewsCommand();
std::unique_ptr<Command> MakeRetrievalMatcherCommand();
std::unique_ptr<Command> MakeSequentialMatcherCommand();
std::unique_ptr<Command> MakeSpatialMatcherCommand();
std::unique_ptr<Command> MakeTrainCommand();
std::unique_ptr<Command> MakeTransitiveMatcherCommand();
std::unique_ptr<Command> MakeRotatedMatcherCommand();
std::unique_ptr<Command> MakeVocabTreeBuilderCommand();
std::unique_ptr<Command> MakeVocabTreeMatcherCommand();
std::unique_ptr<Command> MakeVocabTreeRetrieverCommand();
std::unique_ptr<Command> MakeWeightsCommand();

// Keeps the image libraries from printing beside our own error about a bad photo. Called by main before
// anything else; std::cerr is mute afterwards: our own words go through log.h, stdio or std::clog.
void QuietDecoders();

// Threads of loops over pixels, for each thread that runs one.
void LimitImageThreads(int threads);

}  // namespace colmatch
