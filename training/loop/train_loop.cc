// The training loop; see train_loop.h.
#include "training/loop/train_loop.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iomanip>

#include "network/flops.h"
#include "training/data/archive_file.h"
#include "training/loop/checkpoint.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/npz_writer.h"

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
  RunFolder(const std::string& folder, bool resume, bool writes) : folder_(folder) {
    if (!writes) return;
    MakeFolder(folder);
    for (const std::string& file : {Checkpoint(), Metrics(), Best()}) RemoveStaleTemporaries(file);
    if (!resume && fs::exists(Checkpoint())) {
      throw UsageError(
          folder +
          ": holds the checkpoint of a training; add --resume to go on with it, or name another folder");
    }
  }
  std::string Checkpoint() const { return (folder_ / "checkpoint.pt").string(); }
  std::string Metrics() const { return (folder_ / "metrics.npz").string(); }
  std::string Best() const { return (folder_ / "best.pt").string(); }

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

  // The network of the best validation so far.
  void SaveBest(const torch::nn::Module& network) {
    torch::serialize::OutputArchive archive;
    network.save(archive);
    WriteArchiveFile(Best(), archive);
  }
  void LoadBest(torch::nn::Module& network) {
    ReadArchiveFile(Best(), "the best network of this training", "remove it to keep the last one",
                    [&](torch::serialize::InputArchive& archive) { network.load(archive); });
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

// Inside, the network's parameters are as hooks.constrain wants them.
class ConstrainedScope {
 public:
  ConstrainedScope(const torch::nn::Module& network, const TrainHooks& hooks) {
    if (!hooks.constrain) return;
    torch::NoGradGuard no_grad;
    parameters_ = network.parameters();
    for (const auto& parameter : parameters_) behind_.push_back(parameter.detach().clone());
    hooks.constrain();
  }
  ~ConstrainedScope() { Leave(); }
  ConstrainedScope(const ConstrainedScope&) = delete;
  ConstrainedScope& operator=(const ConstrainedScope&) = delete;

  void Leave() {
    torch::NoGradGuard no_grad;
    for (size_t i = 0; i < behind_.size(); ++i) parameters_[i].copy_(behind_[i]);
    behind_.clear();
  }

 private:
  std::vector<torch::Tensor> parameters_, behind_;
};

// One optimiser step over its batches, shared with the other processes.
class Stepper {
 public:
  Stepper(torch::nn::Module& network, torch::optim::AdamW& optimizer, const TrainLoopOptions& options,
          const TrainHooks& hooks)
      : network_(network),
        optimizer_(optimizer),
        options_(options),
        hooks_(hooks),
        device_(options.device),
        scaler(options.precision) {
    const int64_t processes = replicas().size();
    if (options.batches_per_step < 1 || options.batches_per_step % processes != 0) {
      throw UsageError("batches_per_step must be a multiple of the " + std::to_string(processes) +
                       " processes that train together, found " + std::to_string(options.batches_per_step));
    }
    for (auto& buffer : network.buffers()) {
      if (buffer.is_floating_point()) buffers_.push_back(buffer);
    }
  }

  // Returns whether any process wishes to stop.
  bool Take(int64_t step, bool wishes_to_stop, MetricMeans& means) {
    SetLearningRate(optimizer_, options_.schedule.At(step));
    optimizer_.zero_grad();
    const int64_t count = options_.batches_per_step / replicas().size();
    const int64_t first = step * options_.batches_per_step + replicas().rank() * count;
    // Every batch starts from the same statistics, so that it does not matter which process runs it.
    const auto before = options_.batches_per_step > 1 ? Copies(buffers_) : std::vector<torch::Tensor>();
    std::vector<torch::Tensor> sums;
    std::map<std::string, double> metrics;
    ConstrainedScope constrained(network_, hooks_);
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) Restore(before);
      RunBatch(first + i, step, metrics);
      if (before.empty()) continue;
      if (i == 0) sums = Copies(buffers_);
      for (size_t k = 0; i > 0 && k < sums.size(); ++k) sums[k].add_(buffers_[k]);
    }
    constrained.Leave();
    const bool stop = Share(sums, wishes_to_stop, metrics);
    ApplyGradient(step, metrics);
    means.Add(metrics);
    return stop;
  }

 private:
  Replicas& replicas() { return hooks_.replicas != nullptr ? *hooks_.replicas : alone_; }

  static std::vector<torch::Tensor> Copies(const std::vector<torch::Tensor>& tensors) {
    std::vector<torch::Tensor> copies;
    for (const auto& t : tensors) copies.push_back(t.detach().clone());
    return copies;
  }
  void Restore(const std::vector<torch::Tensor>& values) {
    torch::NoGradGuard no_grad;
    for (size_t k = 0; k < values.size(); ++k) buffers_[k].copy_(values[k]);
  }

  void RunBatch(int64_t batch, int64_t step, std::map<std::string, double>& metrics) {
    StepResult result = [&] {
      const AutocastGuard autocast(options_.precision, device_);
      return hooks_.step(batch);
    }();
    const double loss = result.loss.item<double>();
    if (!std::isfinite(loss)) throw NotFinite("loss", step, options_.run_folder);
    const auto share = static_cast<double>(options_.batches_per_step);
    (result.loss.to(torch::kFloat) * (scaler.scale() / share)).backward();
    result.metrics["loss"] = loss;
    flops += kTrainingPasses * result.flops;
    const double own_batches = share / replicas().size();
    for (const auto& [name, value] : result.metrics) metrics[name] += value / own_batches;
  }

  // Sums gradients, and buffers where there are several batches, over the processes, and averages the
  // metrics.
  bool Share(const std::vector<torch::Tensor>& buffer_sums, bool stop,
             std::map<std::string, double>& metrics) {
    torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> buffers = buffer_sums;
    for (auto& buffer : buffers) buffer.div_(static_cast<double>(options_.batches_per_step));
    if (replicas().size() > 1) {
      std::vector<torch::Tensor> all = buffers;
      for (const auto& parameter : network_.parameters()) {
        if (parameter.grad().defined()) all.push_back(parameter.grad());
      }
      std::vector<float> last = {stop ? 1.0f : 0.0f};
      for (const auto& item : metrics) last.push_back(static_cast<float>(item.second / replicas().size()));
      all.push_back(torch::tensor(last));
      std::vector<torch::Tensor> rows;
      for (const auto& t : all) rows.push_back(t.detach().flatten().to(torch::kCPU, torch::kFloat));
      torch::Tensor flat = torch::cat(rows);
      replicas().Sum(flat);
      int64_t begin = 0;
      for (auto& t : all) {
        t.copy_(flat.narrow(0, begin, t.numel()).view(t.sizes()));
        begin += t.numel();
      }
      const float* value = all.back().data_ptr<float>();
      stop = *value > 0;
      for (auto& item : metrics) item.second = *++value;
    }
    if (!buffers.empty()) Restore(buffers);
    return stop;
  }

  void ApplyGradient(int64_t step, std::map<std::string, double>& metrics) {
    if (scaler.is_active()) {
      torch::NoGradGuard no_grad;
      for (auto& parameter : network_.parameters()) {
        if (parameter.grad().defined()) parameter.mutable_grad().div_(scaler.scale());
      }
    }
    const double norm = torch::nn::utils::clip_grad_norm_(network_.parameters(), options_.clip_norm);
    metrics["gradient_norm"] = norm;
    const bool finite = std::isfinite(norm);
    // Before the step: it would make every parameter NaN, and the next checkpoint would hold them.
    if (!finite && (!scaler.is_active() || scaler.scale() < 1))
      throw NotFinite("gradient", step, options_.run_folder);
    if (scaler.Update(finite)) optimizer_.step();
  }

  torch::nn::Module& network_;
  torch::optim::AdamW& optimizer_;
  const TrainLoopOptions& options_;
  const TrainHooks& hooks_;
  torch::Device device_;
  std::vector<torch::Tensor> buffers_;
  Replicas alone_;

 public:
  LossScaler scaler;
  double flops = 0;  // so far
};

// How the validations went so far, from the metrics of the run alone, so that a resume knows it too.
struct ValidationHistory {
  bool last_is_best = false;
  int64_t since_best = 0;
};

ValidationHistory HistoryOf(const MetricSeries& metrics) {
  const auto found = metrics.find("validation_loss");
  if (found == metrics.end() || found->second.empty()) return {};
  const auto best = std::min_element(found->second.begin(), found->second.end());
  const int64_t since = found->second.end() - best - 1;
  return {since == 0, since};
}

}  // namespace

BatchOrder OrderOfBatches(const TrainLoopOptions& options, const TrainHooks& hooks) {
  const int64_t processes = hooks.replicas != nullptr ? hooks.replicas->size() : 1;
  return {options.batches_per_step, std::max<int64_t>(1, options.batches_per_step / processes),
          options.fixed_batch};
}

int64_t RunTraining(torch::nn::Module& network, const TrainLoopOptions& options, const TrainHooks& hooks) {
  const bool writes = hooks.replicas == nullptr || hooks.replicas->IsFirst();
  RunFolder folder(options.run_folder, options.resume, writes);
  torch::optim::AdamW optimizer(
      network.parameters(),
      torch::optim::AdamWOptions(options.schedule.learning_rate).weight_decay(options.weight_decay));
  Stepper stepper(network, optimizer, options, hooks);
  TrainingState state;
  if (options.resume && fs::exists(folder.Checkpoint())) {
    state = LoadCheckpoint(folder.Checkpoint(), network, optimizer);
    RequireSameStart(folder.Checkpoint(), state, options.initial_sha256);
    stepper.scaler.Restore(state.loss_scale, static_cast<int>(state.good_steps));
  }
  state.initial_sha256 = options.initial_sha256;

  const int64_t num_steps = options.schedule.num_steps;
  MetricMeans means;
  auto last_report = Clock::now();
  int64_t last_step = state.step;
  double last_flops = 0;
  const auto report = [&](std::map<std::string, double> metrics, bool validation) {
    const double seconds = std::chrono::duration<double>(Clock::now() - last_report).count();
    const double rate = static_cast<double>(state.step - last_step) / std::max(1e-9, seconds);
    const double flops_per_second = (stepper.flops - last_flops) / std::max(1e-9, seconds);
    const TrainProgress progress{state.step,       num_steps,          rate,
                                 flops_per_second, std::move(metrics), validation};
    if (!writes) return;
    folder.Report(state, progress);
    if (hooks.report) hooks.report(progress);
  };
  const auto save = [&] {
    if (!writes) return;
    state.loss_scale = stepper.scaler.scale();
    state.good_steps = stepper.scaler.good_steps();
    folder.Save(network, optimizer, state);
    if (hooks.saved) hooks.saved(state.step, state.metrics);
  };
  const auto every = [&](int64_t period) { return period > 0 && state.step % period == 0; };
  // Several processes must agree: what one wishes, all do after the next step.
  const bool alone = hooks.replicas == nullptr || hooks.replicas->size() == 1;
  bool agreed = false;
  const auto wishes_to_stop = [&] {
    return (hooks.stop != nullptr && hooks.stop->load()) ||
           (options.patience > 0 && HistoryOf(state.metrics).since_best >= options.patience);
  };

  network.train();
  while (state.step < num_steps && !(alone ? wishes_to_stop() : agreed)) {
    agreed = stepper.Take(state.step, wishes_to_stop(), means);
    ++state.step;
    if (every(options.log_every)) {
      report(means.Take(), false);
      last_report = Clock::now();
      last_step = state.step;
      last_flops = stepper.flops;
    }
    if (hooks.validate && every(options.validate_every)) {
      network.eval();
      {
        const ConstrainedScope constrained(network, hooks);
        report(hooks.validate(), true);
      }
      network.train();
      if (writes && options.patience > 0 && HistoryOf(state.metrics).last_is_best) folder.SaveBest(network);
    }
    if (every(options.checkpoint_every)) save();
  }
  save();
  if (options.patience > 0 && fs::exists(folder.Best())) folder.LoadBest(network);
  if (hooks.constrain) hooks.constrain();
  network.eval();
  return state.step;
}

}  // namespace colmatch
