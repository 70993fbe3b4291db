// Tests of what a GPU computes: skipped, visibly, where there is none.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace colmatch {

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "this machine has no CUDA device";
    // Convolutions in TF32, LibTorch's default there, differ from the CPU's in the fourth digit.
    tf32_ = at::globalContext().allowTF32CuDNN();
    at::globalContext().setAllowTF32CuDNN(false);
  }
  void TearDown() override { at::globalContext().setAllowTF32CuDNN(tf32_); }

 private:
  bool tf32_ = true;
};

}  // namespace colmatch
