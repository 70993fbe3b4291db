// Tests of the training loop: exact resume from every step, stopping, what is refused, and what a run leaves
// behind.
#include "training/loop/train_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "tests/network/npz_reader.h"
#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "training/loop/checkpoint.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kSteps = 8;

// Least squares on points that are a pure function of the step.
StepResult LeastSquares(torch::nn::Linear& line, int64_t step) {
  Rng rng(1, static_cast<uint64_t>(step), 0);
  auto x = torch::empty({4, 2});
  for (int64_t i = 0; i < 8; ++i) x.view({8})[i] = rng.Normal();
  const auto y = x.matmul(torch::tensor({{2.0f}, {-1.0f}})) + 0.5;
  return {(line->forward(x) - y).square().mean(), {{"step_number", static_cast<double>(step)}}};
}

class TrainLoop : public testing::Test {
 protected:
  TrainLoopOptions Options(const std::string& run = "run", bool resume = false) const {
    TrainLoopOptions options;
    options.run_folder = (folder_.path() / run).string();
    options.resume = resume;
    options.schedule = {0.05, 0.01, 2, kSteps};
    options.log_every = 1;
    options.checkpoint_every = 3;
    options.validate_every = 0;
    return options;
  }
  std::string Checkpoint() const { return (folder_.path() / "run" / "checkpoint.pt").string(); }

  static torch::nn::Linear NewLine() {
    torch::manual_seed(5);
    return torch::nn::Linear(2, 1);
  }
  static int64_t Run(torch::nn::Linear& line, const TrainLoopOptions& options, Recorder& recorder) {
    TrainHooks hooks = recorder.Hooks();
    hooks.step = [&](int64_t step) { return LeastSquares(line, step); };
    return RunTraining(*line, options, hooks);
  }
  // Trains until `spoil` changes the result of a step; returns the error's text.
  std::string RunSpoilt(const TrainLoopOptions& options,
                        const std::function<void(int64_t, torch::Tensor&)>& spoil) const {
    torch::nn::Linear line = NewLine();
    TrainHooks hooks;
    hooks.step = [&](int64_t step) {
      StepResult result = LeastSquares(line, step);
      spoil(step, result.loss);
      return result;
    };
    try {
      RunTraining(*line, options, hooks);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  int64_t StepOfCheckpoint(bool* finite) const {
    torch::nn::Linear line(2, 1);
    torch::optim::AdamW optimizer(line->parameters(), torch::optim::AdamWOptions());
    const int64_t step = LoadCheckpoint(Checkpoint(), *line, optimizer).step;
    *finite = torch::isfinite(line->weight).all().item<bool>();
    return step;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainLoop, AStoppedAndResumedRunEqualsAnUnbrokenOne) {
  torch::nn::Linear unbroken = NewLine();
  Recorder whole;
  EXPECT_EQ(Run(unbroken, Options("unbroken"), whole), kSteps);
  for (int64_t stop = 1; stop < kSteps; ++stop) {
    const std::string run = "stopped at " + std::to_string(stop);
    Recorder first(stop), second;
    torch::nn::Linear before = NewLine(), after = NewLine();
    EXPECT_EQ(Run(before, Options(run), first), stop);
    EXPECT_EQ(Run(after, Options(run, /*resume=*/true), second), kSteps);
    EXPECT_TRUE(SameBytes(*after, *unbroken)) << run;
    std::vector<double> losses = first.Losses();
    for (const double loss : second.Losses()) losses.push_back(loss);
    EXPECT_EQ(losses, whole.Losses()) << run;
  }
}

TEST_F(TrainLoop, LearnsTheLine) {
  TrainLoopOptions options = Options();
  options.schedule = {0.1, 0.01, 5, 200};
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  Run(line, options, recorder);
  EXPECT_NEAR(line->weight[0][0].item<double>(), 2, 0.05);
  EXPECT_NEAR(line->weight[0][1].item<double>(), -1, 0.05);
  EXPECT_NEAR(line->bias[0].item<double>(), 0.5, 0.05);
}

TEST_F(TrainLoop, AUsedFolderIsRefusedWithoutResumeAndLeftAsItIs) {
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  Run(line, Options(), recorder);
  const std::string before = ReadWholeFile(Checkpoint());
  try {
    Run(line, Options(), recorder);
    FAIL() << "trained over another training";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("--resume"));
    EXPECT_THAT(error.what(), testing::HasSubstr(Options().run_folder));
  }
  EXPECT_EQ(ReadWholeFile(Checkpoint()), before);
}

TEST_F(TrainLoop, ResumeInAnEmptyFolderStartsAtTheBeginning) {
  torch::nn::Linear line = NewLine(), resumed = NewLine();
  Recorder recorder, other;
  Run(line, Options("one"), recorder);
  EXPECT_EQ(Run(resumed, Options("two", true), other), kSteps);
  EXPECT_TRUE(SameBytes(*line, *resumed));
}

TEST_F(TrainLoop, AFinishedRunThatIsResumedDoesNothing) {
  torch::nn::Linear line = NewLine(), again = NewLine();
  Recorder recorder, idle;
  Run(line, Options(), recorder);
  EXPECT_EQ(Run(again, Options("run", true), idle), kSteps);
  EXPECT_TRUE(idle.reports.empty());
  EXPECT_TRUE(SameBytes(*line, *again));
}

TEST_F(TrainLoop, ADamagedCheckpointIsAnEnvironmentErrorAndIsNotOverwritten) {
  folder_.Write("run/checkpoint.pt", "half a checkp");
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  EXPECT_THROW(Run(line, Options("run", true), recorder), EnvironmentError);
  EXPECT_EQ(ReadWholeFile(Checkpoint()), "half a checkp");
}

TEST_F(TrainLoop, ALossThatIsNotFiniteNamesItsStepAndKeepsTheCheckpoint) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    fs::remove_all(Options().run_folder);
    const std::string error = RunSpoilt(Options(), [&](int64_t step, torch::Tensor& loss) {
      if (step == 5) loss = loss * bad;
    });
    EXPECT_THAT(error, testing::HasSubstr("step 5"));
    bool finite = false;
    EXPECT_EQ(StepOfCheckpoint(&finite), 3);
    EXPECT_TRUE(finite);
  }
}

// The gradient of the square root at 0 is infinite, times 0 it is NaN: the loss of that step is still fine.
TEST_F(TrainLoop, AGradientThatIsNotFiniteNamesItsStepAndKeepsTheCheckpoint) {
  const std::string error = RunSpoilt(Options(), [](int64_t step, torch::Tensor& loss) {
    if (step == 5) loss = loss + torch::sqrt(loss * 0);
  });
  EXPECT_THAT(error, testing::HasSubstr("step 5"));
  bool finite = false;
  EXPECT_EQ(StepOfCheckpoint(&finite), 3);
  EXPECT_TRUE(finite);
}

TEST_F(TrainLoop, ARunLeavesItsCheckpointLogAndMetricsAndNothingElse) {
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  Run(line, Options(), recorder);
  EXPECT_THAT(NamesIn(Options().run_folder),
              testing::UnorderedElementsAre("checkpoint.pt", "log.txt", "metrics.npz"));
}

TEST_F(TrainLoop, ARunFolderThatIsAFileIsAnEnvironmentErrorThatNamesIt) {
  folder_.Write("run", "not a folder");
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  try {
    Run(line, Options(), recorder);
    FAIL() << "trained into a file";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(Options().run_folder));
  }
}

TEST_F(TrainLoop, WhatAKilledRunLeftHalfWrittenIsRemovedAndNothingElse) {
  for (const char* name :
       {"checkpoint.pt.tmp99999999", "metrics.npz.tmp99999999", "notes.tmp99999999", "notes.txt"}) {
    folder_.Write(std::string("run/") + name, "x");  // 99999999: above the largest process id there can be
  }
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  Run(line, Options(), recorder);
  EXPECT_THAT(NamesIn(Options().run_folder),
              testing::UnorderedElementsAre("checkpoint.pt", "log.txt", "metrics.npz", "notes.tmp99999999",
                                            "notes.txt"));
}

TEST_F(TrainLoop, TheStepsDoneAreToldWithEveryCheckpointEvenOfAStoppedRun) {
  const auto saved_steps = [&](const std::string& run, int64_t stop_at_step) {
    torch::nn::Linear line = NewLine();
    Recorder recorder(stop_at_step);
    TrainHooks hooks = recorder.Hooks();
    std::vector<int64_t> steps;
    hooks.step = [&](int64_t step) { return LeastSquares(line, step); };
    hooks.saved = [&](int64_t step, const MetricSeries&) { steps.push_back(step); };
    RunTraining(*line, Options(run), hooks);
    return steps;
  };
  EXPECT_THAT(saved_steps("whole", -1), testing::ElementsAre(3, 6, kSteps));
  EXPECT_THAT(saved_steps("stopped", 4), testing::ElementsAre(3, 4));
}

TEST_F(TrainLoop, AResumeWithOtherInitialWeightsIsRefused) {
  torch::nn::Linear line = NewLine();
  Recorder recorder(4), second;
  TrainLoopOptions options = Options(), resumed = Options("run", /*resume=*/true);
  options.initial_sha256 = resumed.initial_sha256 = "abc";
  Run(line, options, recorder);
  for (const char* other : {"abd", ""}) {
    TrainLoopOptions others = resumed;
    others.initial_sha256 = other;
    EXPECT_THROW(Run(line, others, second), UsageError) << other;
  }
  EXPECT_EQ(Run(line, resumed, second), kSteps);
}

TEST_F(TrainLoop, MetricsHoldEveryReportAndTheStepItBelongsTo) {
  TrainLoopOptions options = Options();
  options.log_every = 2;
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  Run(line, options, recorder);
  const auto metrics = ReadNpz(options.run_folder + "/metrics.npz");
  EXPECT_TRUE(metrics.at("loss_step").equal(torch::tensor({2.0, 4.0, 6.0, 8.0}, torch::kDouble)));
  EXPECT_TRUE(metrics.at("step_number").equal(torch::tensor({0.5, 2.5, 4.5, 6.5}, torch::kDouble)))
      << "means of two steps";
  EXPECT_EQ(metrics.at("loss").numel(), 4);
  EXPECT_EQ(metrics.at("gradient_norm").numel(), 4);
  std::ifstream log(options.run_folder + "/log.txt");
  std::string line_of_log;
  int64_t lines = 0;
  while (std::getline(log, line_of_log))
    EXPECT_THAT(line_of_log, testing::StartsWith("step " + std::to_string(2 * ++lines) + "/8"));
  EXPECT_EQ(lines, 4);
}

TEST_F(TrainLoop, SeveralBatchesAStepAverageTheirGradientsAndStatistics) {
  // One batch of eight points or two of four: the mean of the halves' gradients is the whole's.
  const auto points = [](int64_t number) {
    Rng rng(1, static_cast<uint64_t>(number), 0);
    auto x = torch::empty({4, 2});
    for (int64_t i = 0; i < 8; ++i) x.view({8})[i] = rng.Normal();
    return x;
  };
  const auto loss = [](torch::nn::Linear& line, const torch::Tensor& x) {
    return (line->forward(x) - x.sum(1, true)).square().mean();
  };
  torch::nn::Linear whole = NewLine(), halves = NewLine();
  TrainHooks of_whole, of_halves;
  of_whole.step = [&](int64_t step) {
    return StepResult{loss(whole, torch::cat({points(2 * step), points(2 * step + 1)})), {}};
  };
  of_halves.step = [&](int64_t number) { return StepResult{loss(halves, points(number)), {}}; };
  TrainLoopOptions options = Options("halves");
  options.batches_per_step = 2;
  RunTraining(*whole, Options("whole"), of_whole);
  RunTraining(*halves, options, of_halves);
  EXPECT_LT((whole->weight - halves->weight).abs().max().item<double>(), 1e-5);

  torch::nn::BatchNorm1d norm(torch::nn::BatchNorm1dOptions(2).momentum(1));
  TrainHooks of_norm;
  of_norm.step = [&](int64_t number) {
    return StepResult{norm->forward(points(number)).square().mean() * 0, {}};
  };
  options = Options("norm");
  options.batches_per_step = 2;
  options.schedule.num_steps = 1;
  RunTraining(*norm, options, of_norm);
  const auto mean = 0.5 * (points(0).mean(0) + points(1).mean(0));
  EXPECT_LT((norm->running_mean - mean).abs().max().item<double>(), 1e-6) << "not those of the last batch";
}

TEST_F(TrainLoop, StopsWhenTheValidationLossNoLongerFallsAndKeepsTheBest) {
  const std::vector<double> losses = {5, 3, 4, 3.5, 2, 1, 1, 1};
  torch::nn::Linear line = NewLine();
  std::vector<torch::Tensor> weights;
  TrainHooks hooks;
  hooks.step = [&](int64_t step) { return LeastSquares(line, step); };
  hooks.validate = [&] {
    weights.push_back(line->weight.detach().clone());
    return std::map<std::string, double>{{"loss", losses[weights.size() - 1]}};
  };
  TrainLoopOptions options = Options();
  options.validate_every = 1;
  options.patience = 2;
  EXPECT_EQ(RunTraining(*line, options, hooks), 4);
  EXPECT_TRUE(SameBytes(line->weight, weights[1]));

  // Resumed it knows that its patience is at an end.
  torch::nn::Linear resumed = NewLine();
  options.resume = true;
  EXPECT_EQ(RunTraining(*resumed, options, hooks), 4);
  EXPECT_TRUE(SameBytes(resumed->weight, weights[1]));
}

TEST_F(TrainLoop, AFixedBatchIsTakenInEveryStep) {
  Prefetcher<int64_t> batches({1, 1, /*fixed=*/true}, [](int64_t number) { return number; });
  for (int64_t step = 0; step < 3; ++step) EXPECT_EQ(batches.Get(step), 0);
}

TEST(Prefetcher, GivesTheBatchAskedForWhateverWasPreparedAhead) {
  std::atomic<int> made{0};
  Prefetcher<int64_t> batches(
      {},
      [&](int64_t number) {
        ++made;
        return 10 * number;
      },
      /*workers=*/3);
  for (const int64_t number : {0, 1, 2, 7, 8, 3}) EXPECT_EQ(batches.Get(number), 10 * number);
  EXPECT_GE(made, 6);
}

TEST(BatchOrder, TakesItsOwnInARowAndThenThoseOfTheNextStep) {
  const BatchOrder order{6, 2};
  EXPECT_EQ(order.After(2), 3);
  EXPECT_EQ(order.After(3), 8);
  EXPECT_EQ(order.After(8), 9);
  const BatchOrder alone;
  EXPECT_EQ(alone.After(4), 5);
}

TEST_F(TrainLoop, ValidationRunsInEvaluationModeAndIsReportedApart) {
  TrainLoopOptions options = Options();
  options.validate_every = 4;
  torch::nn::Linear line = NewLine();
  Recorder recorder;
  TrainHooks hooks = recorder.Hooks();
  std::vector<bool> training_mode;
  hooks.step = [&](int64_t step) {
    EXPECT_TRUE(line->is_training());
    return LeastSquares(line, step);
  };
  hooks.validate = [&] {
    training_mode.push_back(line->is_training());
    return std::map<std::string, double>{{"loss", 42}};
  };
  RunTraining(*line, options, hooks);
  EXPECT_EQ(training_mode, (std::vector<bool>{false, false}));
  const auto metrics = ReadNpz(options.run_folder + "/metrics.npz");
  EXPECT_TRUE(metrics.at("validation_loss").equal(torch::tensor({42.0, 42.0}, torch::kDouble)));
  EXPECT_TRUE(metrics.at("validation_loss_step").equal(torch::tensor({4.0, 8.0}, torch::kDouble)));
}

}  // namespace
}  // namespace colmatch
