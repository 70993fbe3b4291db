// What to do where a GPU has too little memory for an item (a photo, a pair), or fails.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace colmatch {

enum class GpuFault { kNone, kOutOfMemory, kLost };

// Of the first line of a LibTorch error. Memory that cuBLAS or cuDNN lack for themselves counts as
// kOutOfMemory; after any other error of CUDA, cuBLAS or cuDNN this process cannot use the GPU again: kLost.
GpuFault GpuFaultOf(const std::string& message);

// Called before an item is computed on the CPU because the GPU's memory does not suffice; what it throws ends
// the item. item: "matching 9000 with 8000 keypoints"; bytes: of memory that the CPU will need, about.
using MemoryShortageHandler = std::function<void(const std::string& item, uint64_t bytes)>;

// Computes items on one device with one network that is there. One thread at a time.
class DeviceFallback {
 public:
  using Work = std::function<void(torch::Device)>;

  explicit DeviceFallback(torch::Device device) : device_(device) {}
  void SetMove(Work move) { move_ = std::move(move); }  // brings the network, if there is one, to a device
  void OnShortage(MemoryShortageHandler handler) { on_shortage_ = std::move(handler); }

  // False where the GPU has not the memory; work may then be called again. Throws EnvironmentError if the GPU
  // is lost, and whatever else work throws.
  bool Try(const Work& work);
  void RunOnCpu(const Work& work, const std::string& item, uint64_t bytes);
  // On the device, or on the CPU.
  void Run(const Work& work, const std::string& item, uint64_t bytes);

 private:
  torch::Device device_;
  Work move_ = [](torch::Device) {};
  MemoryShortageHandler on_shortage_;
  bool moved_away_ = false;
};

// How a LibTorch module, which is shared and not copied, is brought to a device.
template <typename Module>
DeviceFallback::Work MoveOf(Module module) {
  return [module](torch::Device device) mutable { module->to(device); };
}

}  // namespace colmatch
