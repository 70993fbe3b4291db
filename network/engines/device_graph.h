// Computations on a GPU of which the launches are recorded once and then repeated as one (CUDA graphs): for
// few pairs at a time, where small kernels end sooner than the next is launched.
#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace colmatch {

// One computation for inputs of any shapes. One thread at a time, always on one stream.
class DeviceGraphs {
 public:
  using Compute = std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs)>;

  DeviceGraphs();
  ~DeviceGraphs();

  // compute(inputs). On a GPU, in a CUDA build, what it launches is recorded when shapes are seen a second
  // time, and repeated from then on: compute may do nothing but launch (no copies from or to the CPU), and
  // must not keep tensors. The result holds until the next call. Where recording fails it is not tried again.
  torch::Tensor Run(const std::vector<torch::Tensor>& inputs, const Compute& compute);

 private:
  struct Recorded;
  using Shapes = std::vector<int64_t>;

  // Null where it failed.
  std::unique_ptr<Recorded> Record(const std::vector<torch::Tensor>& inputs, const Compute& compute);

  std::map<Shapes, int> seen_;  // how often, of shapes that are not recorded
  std::map<Shapes, std::unique_ptr<Recorded>> recorded_;
  bool possible_ = true;
};

}  // namespace colmatch
