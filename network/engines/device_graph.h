// Records the kernel launches of a computation on a GPU once and then repeats them as one launch (CUDA
// graphs). This helps for few pairs at a time, where launching a small kernel takes longer than running it.
#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace colmatch {

// Runs one computation on inputs of any shapes. One thread at a time, always on the same stream.
class DeviceGraphs {
 public:
  using Compute = std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs)>;

  DeviceGraphs();
  ~DeviceGraphs();

  // Returns compute(inputs). On a GPU, in a CUDA build, the launches are recorded when the shapes of the
  // inputs occur for the second time, and repeated from then on. Therefore compute may only launch kernels
  // (no copies from or to the CPU) and must not keep tensors. The result is valid until the next call. If
  // recording fails, it is not tried again.
  torch::Tensor Run(const std::vector<torch::Tensor>& inputs, const Compute& compute);

 private:
  struct Recorded;
  using Shapes = std::vector<int64_t>;

  // Returns null if recording failed.
  std::unique_ptr<Recorded> Record(const std::vector<torch::Tensor>& inputs, const Compute& compute);

  std::map<Shapes, int> seen_;  // number of calls for each shape that is not recorded
  std::map<Shapes, std::unique_ptr<Recorded>> recorded_;
  bool possible_ = true;
};

}  // namespace colmatch
