// Data-parallel training in several processes, on one machine or several, through LibTorch's c10d: each takes
// its parts of every step, gradients are summed, all go on with the same parameters. Started as torchrun
// starts programs: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the environment of each process.
#pragma once

#include <torch/types.h>

#include <memory>

namespace colmatch {

class Replicas {
 public:
  // This process alone.
  Replicas();
  ~Replicas();
  Replicas(Replicas&&) noexcept;
  Replicas& operator=(Replicas&&) noexcept;

  // Waits for the others. Alone where WORLD_SIZE is not set or 1. Throws UsageError for variables that
  // contradict each other and where this build has no Gloo, EnvironmentError if the others do not come.
  static Replicas FromEnvironment();

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool IsFirst() const { return rank_ == 0; }

  // Each element becomes its sum over all processes, the same bits in each. flat (N) float32 on the CPU.
  // Throws EnvironmentError where another process is gone.
  void Sum(torch::Tensor& flat);

 private:
  struct Group;
  int rank_ = 0, size_ = 1;
  std::unique_ptr<Group> group_;
};

}  // namespace colmatch
