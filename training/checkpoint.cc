// Checkpoints; see checkpoint.h.
#include "training/checkpoint.h"

#include <torch/torch.h>

#include <sstream>

#include "network/atomic_file.h"
#include "network/error.h"

namespace colmatch {

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
  std::ostringstream stream;
  archive.save_to(stream);
  WriteFileAtomically(path, stream.str());
}

namespace {

// LibTorch gives a tensor whatever shape the archive has, so that a network would no longer be what its options say.
void LoadNetwork(torch::nn::Module& network, torch::serialize::InputArchive& archive) {
  std::vector<std::vector<int64_t>> expected;
  for (const auto& parameter : network.parameters()) expected.push_back(parameter.sizes().vec());
  network.load(archive);
  const auto found = network.named_parameters();
  for (size_t i = 0; i < expected.size(); ++i) {
    TORCH_CHECK(found[i].value().sizes() == expected[i], found[i].key(), " is ", found[i].value().sizes(), ", expected ",
                c10::IntArrayRef(expected[i]));
  }
}

}  // namespace

TrainingState LoadCheckpoint(const std::string& path, torch::nn::Module& network, torch::optim::Optimizer& optimizer) {
  TrainingState state;
  std::istringstream stream(ReadWholeFile(path));
  try {
    torch::serialize::InputArchive archive, network_archive, optimizer_archive, metrics_archive;
    archive.load_from(stream);
    archive.read("network", network_archive);
    archive.read("optimizer", optimizer_archive);
    archive.read("metrics", metrics_archive);
    LoadNetwork(network, network_archive);
    optimizer.load(optimizer_archive);
    c10::IValue step, names;
    archive.read("step", step);
    archive.read("metric_names", names);
    state.step = step.toInt();
    std::istringstream lines(names.toStringRef());
    for (std::string name; std::getline(lines, name);) {
      torch::Tensor values;
      metrics_archive.read(name, values);
      state.metrics[name].assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
    }
  } catch (const std::exception& error) {  // damage in the archive's own code raises more than c10::Error
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    throw EnvironmentError(path + ": not a checkpoint of this training, or damaged (" +
                           (torch_error ? torch_error->what_without_backtrace() : error.what()) + "); remove it to start again, or name another run folder");
  }
  return state;
}

}  // namespace colmatch
