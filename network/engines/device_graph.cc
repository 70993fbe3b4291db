// Recorded launches; see device_graph.h.
#include "network/engines/device_graph.h"

#include <torch/torch.h>

#if defined(COLMATCH_CUDA)
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace colmatch {

#if defined(COLMATCH_CUDA)

// Its memory is kept: inputs are copied to where the recorded launches read them.
struct DeviceGraphs::Recorded {
  std::vector<torch::Tensor> inputs;
  torch::Tensor result;
  at::cuda::CUDAGraph graph;

  void Fill(const std::vector<torch::Tensor>& values) {
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i].copy_(values[i]);
  }
};

std::unique_ptr<DeviceGraphs::Recorded> DeviceGraphs::Record(const std::vector<torch::Tensor>& inputs,
                                                             const Compute& compute) {
  auto recorded = std::make_unique<Recorded>();
  const auto device = inputs.front().device().index();
  c10::cuda::getCurrentCUDAStream(device).synchronize();
  // The default stream cannot be recorded.
  const c10::cuda::CUDAStreamGuard on_another(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device));
  for (const torch::Tensor& input : inputs) recorded->inputs.push_back(input.clone());
  compute(recorded->inputs);  // what libraries allocate for a stream
  // What other threads do meanwhile is theirs.
  recorded->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    recorded->result = compute(recorded->inputs);
  } catch (const c10::Error&) {
    possible_ = false;
  }
  try {
    recorded->graph.capture_end();
  } catch (const c10::Error&) {
    possible_ = false;
  }
  on_another.current_stream().synchronize();
  if (!possible_) recorded.reset();
  return recorded;
}

torch::Tensor DeviceGraphs::Run(const std::vector<torch::Tensor>& inputs, const Compute& compute) {
  constexpr size_t kMostRecorded = 8;  // each keeps its memory
  if (!possible_ || inputs.empty() || !inputs.front().is_cuda()) return compute(inputs);
  Shapes shapes;
  for (const torch::Tensor& input : inputs) {
    shapes.push_back(input.dim());
    shapes.insert(shapes.end(), input.sizes().begin(), input.sizes().end());
  }
  auto found = recorded_.find(shapes);
  if (found == recorded_.end()) {
    if (recorded_.size() >= kMostRecorded || ++seen_[shapes] < 2) return compute(inputs);
    auto recorded = Record(inputs, compute);
    if (!recorded) return compute(inputs);
    found = recorded_.emplace(std::move(shapes), std::move(recorded)).first;
  }
  found->second->Fill(inputs);
  found->second->graph.replay();
  return found->second->result;
}

#else

struct DeviceGraphs::Recorded {};

torch::Tensor DeviceGraphs::Run(const std::vector<torch::Tensor>& inputs, const Compute& compute) {
  return compute(inputs);
}

#endif

DeviceGraphs::DeviceGraphs() = default;
DeviceGraphs::~DeviceGraphs() = default;

}  // namespace colmatch
