// Checkpoints; see checkpoint.h.
#include "training/loop/checkpoint.h"

#include <torch/torch.h>

#include <sstream>

#include "training/data/archive_file.h"

namespace colmatch {
namespace {

// LibTorch gives a tensor whatever shape the archive has, so that a network would no longer be what its
// options say.
void LoadNetwork(torch::nn::Module& network, torch::serialize::InputArchive& archive) {
  std::vector<std::vector<int64_t>> expected;
  for (const auto& parameter : network.parameters()) expected.push_back(parameter.sizes().vec());
  network.load(archive);
  const auto found = network.named_parameters();
  for (size_t i = 0; i < expected.size(); ++i) {
    TORCH_CHECK(found[i].value().sizes() == expected[i], found[i].key(), " is ", found[i].value().sizes(),
                ", expected ", c10::IntArrayRef(expected[i]));
  }
}

TrainingState ReadState(torch::serialize::InputArchive& archive) {
  TrainingState state;
  torch::serialize::InputArchive metrics_archive;
  c10::IValue step, names, initial, scale, good_steps;
  archive.read("metrics", metrics_archive);
  archive.read("step", step);
  archive.read("metric_names", names);
  state.step = step.toInt();
  std::istringstream lines(names.toStringRef());
  for (std::string name; std::getline(lines, name);) {
    torch::Tensor values;
    metrics_archive.read(name, values);
    state.metrics[name].assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
  }
  if (archive.try_read("loss_scale", scale)) state.loss_scale = scale.toDouble();
  if (archive.try_read("good_steps", good_steps)) state.good_steps = good_steps.toInt();
  if (archive.try_read("initial_sha256", initial)) state.initial_sha256 = initial.toStringRef();
  return state;
}

}  // namespace

void SaveCheckpoint(const std::string& path, const torch::nn::Module& network,
                    const torch::optim::Optimizer& optimizer, const TrainingState& state) {
  torch::serialize::OutputArchive archive, network_archive, optimizer_archive, metrics_archive;
  network.save(network_archive);
  optimizer.save(optimizer_archive);
  std::string names;
  for (const auto& [name, values] : state.metrics) {
    metrics_archive.write(name, torch::tensor(values, torch::kDouble));
    names += name + '\n';
  }
  archive.write("network", network_archive);
  archive.write("optimizer", optimizer_archive);
  archive.write("metrics", metrics_archive);
  archive.write("metric_names", c10::IValue(names));
  archive.write("step", c10::IValue(state.step));
  archive.write("loss_scale", c10::IValue(state.loss_scale));
  archive.write("good_steps", c10::IValue(state.good_steps));
  if (state.initial_sha256) archive.write("initial_sha256", c10::IValue(*state.initial_sha256));
  WriteArchiveFile(path, archive);
}

TrainingState LoadCheckpoint(const std::string& path, torch::nn::Module& network,
                             torch::optim::Optimizer& optimizer) {
  TrainingState state;
  ReadArchiveFile(path, "a checkpoint of this training",
                  "remove it to start again, or name another run folder",
                  [&](torch::serialize::InputArchive& archive) {
                    torch::serialize::InputArchive network_archive, optimizer_archive;
                    archive.read("network", network_archive);
                    archive.read("optimizer", optimizer_archive);
                    LoadNetwork(network, network_archive);
                    optimizer.load(optimizer_archive);
                    state = ReadState(archive);
                  });
  return state;
}

}  // namespace colmatch
