// The training loop; see train_loop.h.
#include "training/train_loop.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iomanip>

#include "network/atomic_file.h"
#include "network/error.h"
#include "training/checkpoint.h"
#include "training/npz_writer.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

void SetLearningRate(torch::optim::AdamW& optimizer, double learning_rate) {
  for (auto& group : optimizer.param_groups()) {
    static_cast<torch::optim::AdamWOptions&>(group.options()).lr(learning_rate);
  }
}

// Means of the metrics since the last report.
class MetricMeans {
 public:
  void Add(const std::map<std::string, double>& metrics) {
    for (const auto& [name, value] : metrics) sums_[name] += value;
    ++count_;
  }
  std::map<std::string, double> Take() {
    for (auto& item : sums_) item.second /= std::max<int64_t>(1, count_);
    count_ = 0;
    return std::exchange(sums_, {});
  }

 private:
  std::map<std::string, double> sums_;
  int64_t count_ = 0;
};

// The run folder: what a person reads and what a resume needs.
class RunFolder {
 public:
  RunFolder(const std::string& folder, bool resume) : folder_(folder) {
    MakeFolder(folder);
    for (const std::string& file : {Checkpoint(), Metrics()}) RemoveStaleTemporaries(file);
    if (!resume && fs::exists(Checkpoint())) {
      throw UsageError(
          folder +
          ": holds the checkpoint of a training; add --resume to go on with it, or name another folder");
    }
  }
  std::string Checkpoint() const { return (folder_ / "checkpoint.pt").string(); }
  std::string Metrics() const { return (folder_ / "metrics.npz").string(); }

  void Report(TrainingState& state, const TrainProgress& progress) {
    std::ofstream log(folder_ / "log.txt", std::ios::app);
    log << "step " << progress.step << '/' << progress.num_steps
        << (progress.validation ? " validation" : "");
    const std::string prefix = progress.validation ? "validation_" : "";
    for (const auto& [name, value] : progress.metrics) {
      log << ' ' << name << ' ' << std::setprecision(6) << value;
      state.metrics[prefix + name].push_back(value);
      state.metrics[prefix + name + "_step"].push_back(static_cast<double>(progress.step));
    }
    log << " steps/s " << std::setprecision(4) << progress.steps_per_second << '\n';
  }

  void Save(const torch::nn::Module& network, const torch::optim::Optimizer& optimizer,
            const TrainingState& state) {
    SaveCheckpoint(Checkpoint(), network, optimizer, state);
    WriteNpz(Metrics(), state.metrics);
  }

 private:
  fs::path folder_;
};

Error NotFinite(const char* what, int64_t step, const std::string& run_folder) {
  return Error(3, std::string("training: the ") + what + " is not finite at step " + std::to_string(step) +
                      "; the checkpoint in " + run_folder +
                      " is from before; lower --learning_rate and resume");
}

// The card of the weights names what they started from: it must not name another file than the first run's.
void RequireSameStart(const std::string& checkpoint, const TrainingState& state,
                      const std::string& initial_sha256) {
  if (!state.initial_sha256 || *state.initial_sha256 == initial_sha256) return;
  const auto named = [](const std::string& sha256) {
    return sha256.empty() ? "no weights" : "weights with SHA-256 " + sha256;
  };
  throw UsageError(checkpoint + ": this training started from " + named(*state.initial_sha256) +
                   ", --initial names " + named(initial_sha256) +
                   "; give it as at first, or name another run folder");
}

void TakeStep(torch::nn::Module& network, torch::optim::AdamW& optimizer, const TrainLoopOptions& options,
              int64_t step, const TrainHooks& hooks, MetricMeans& means) {
  SetLearningRate(optimizer, options.schedule.At(step));
  optimizer.zero_grad();
  StepResult result = hooks.step(step);
  const double loss = result.loss.item<double>();
  if (!std::isfinite(loss)) throw NotFinite("loss", step, options.run_folder);
  result.loss.backward();
  const double gradient_norm = torch::nn::utils::clip_grad_norm_(network.parameters(), options.clip_norm);
  // Before the step: it would make every parameter NaN, and the next checkpoint would hold them.
  if (!std::isfinite(gradient_norm)) throw NotFinite("gradient", step, options.run_folder);
  result.metrics["gradient_norm"] = gradient_norm;
  result.metrics["loss"] = loss;
  optimizer.step();
  means.Add(result.metrics);
}

}  // namespace

int64_t RunTraining(torch::nn::Module& network, const TrainLoopOptions& options, const TrainHooks& hooks) {
  RunFolder folder(options.run_folder, options.resume);
  torch::optim::AdamW optimizer(
      network.parameters(),
      torch::optim::AdamWOptions(options.schedule.learning_rate).weight_decay(options.weight_decay));
  TrainingState state;
  if (options.resume && fs::exists(folder.Checkpoint())) {
    state = LoadCheckpoint(folder.Checkpoint(), network, optimizer);
    RequireSameStart(folder.Checkpoint(), state, options.initial_sha256);
  }
  state.initial_sha256 = options.initial_sha256;

  const int64_t num_steps = options.schedule.num_steps;
  MetricMeans means;
  auto last_report = Clock::now();
  int64_t last_step = state.step;
  const auto report = [&](std::map<std::string, double> metrics, bool validation) {
    const double seconds = std::chrono::duration<double>(Clock::now() - last_report).count();
    const double rate = static_cast<double>(state.step - last_step) / std::max(1e-9, seconds);
    const TrainProgress progress{state.step, num_steps, rate, std::move(metrics), validation};
    folder.Report(state, progress);
    if (hooks.report) hooks.report(progress);
  };
  const auto save = [&] {
    folder.Save(network, optimizer, state);
    if (hooks.saved) hooks.saved(state.step, state.metrics);
  };
  const auto every = [&](int64_t period) { return period > 0 && state.step % period == 0; };
  const auto stopped = [&] { return hooks.stop != nullptr && hooks.stop->load(); };

  network.train();
  while (state.step < num_steps && !stopped()) {
    TakeStep(network, optimizer, options, state.step, hooks, means);
    ++state.step;
    if (every(options.log_every)) {
      report(means.Take(), false);
      last_report = Clock::now();
      last_step = state.step;
    }
    if (hooks.validate && every(options.validate_every)) {
      network.eval();
      report(hooks.validate(), true);
      network.train();
    }
    if (every(options.checkpoint_every)) save();
  }
  save();
  network.eval();
  return state.step;
}

}  // namespace colmatch
