// Names of devices; see devices.h.
#include "matcher/devices.h"

#include <torch/torch.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "util/error.h"

namespace colmatch {
namespace {

constexpr char kCuda[] = "cuda";

// "0,2" as numbers of at most three digits, blanks around them allowed, each once; nothing where it is
// anything else.
std::optional<std::vector<int>> NumbersOf(const std::string& list) {
  std::vector<int> numbers;
  std::istringstream stream(list + ',');
  for (std::string part; std::getline(stream, part, ',');) {
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    const int number = std::stoi(part);
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
  }
  return numbers;
}

torch::Device Gpu(int index) { return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)}; }

std::vector<torch::Device> AllGpus(int num_gpus) {
  std::vector<torch::Device> devices;
  for (int i = 0; i < num_gpus; ++i) devices.push_back(Gpu(i));
  return devices;
}

// Those named, or all of them (an empty list).
std::vector<torch::Device> Gpus(const std::string& name, const std::vector<int>& named, int num_gpus) {
  const int most = named.empty() ? 0 : *std::max_element(named.begin(), named.end());
  if (most >= num_gpus) {
    throw EnvironmentError(
        "--device " + name + ": " + std::to_string(num_gpus) +
        " CUDA devices are usable here (this LibTorch may be built without CUDA); use --device cpu");
  }
  if (named.empty()) return AllGpus(num_gpus);
  std::vector<torch::Device> devices;
  for (const int index : named) devices.push_back(Gpu(index));
  return devices;
}

}  // namespace

int NumGpus() { return static_cast<int>(torch::cuda::device_count()); }

std::vector<torch::Device> DevicesFromName(const std::string& name, int num_gpus) {
  if (name == "cpu") return {torch::kCPU};
  if (name == "auto") return num_gpus > 0 ? AllGpus(num_gpus) : std::vector<torch::Device>{torch::kCPU};
  if (name == kCuda) return Gpus(name, {}, num_gpus);
  const std::string prefix = std::string(kCuda) + ':';
  const auto named =
      name.rfind(prefix, 0) == 0 ? NumbersOf(name.substr(prefix.size())) : std::optional<std::vector<int>>();
  if (!named) throw UsageError("--device must be auto, cpu, cuda, cuda:N or cuda:N,M,..., found " + name);
  return Gpus(name, *named, num_gpus);
}

torch::Device DeviceFromName(const std::string& name, int num_gpus) {
  const auto devices = DevicesFromName(name, num_gpus);
  if (devices.size() > 1 && name.find(':') != std::string::npos)
    throw UsageError("--device " + name + " names several devices, and this command computes on one: say " +
                     "--device " + devices.front().str());
  return devices.front();
}

std::string DeviceNameFromGpuIndex(const std::string& gpu_index) {
  if (gpu_index == "-1") return kCuda;
  const auto named = NumbersOf(gpu_index);
  if (!named)
    throw UsageError("gpu_index must be -1 or numbers of GPUs with commas between them, found " + gpu_index);
  std::string name = kCuda;
  for (const int index : *named) name += (name == kCuda ? ':' : ',') + std::to_string(index);
  return name;
}

}  // namespace colmatch
