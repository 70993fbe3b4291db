// What a GPU's faults lead to, without a GPU: the work of these tests fails as LibTorch on one does.
#include "matcher/device_fallback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const torch::Device kGpu(torch::kCUDA, 0);

void FailForWantOfMemory() {
  TORCH_CHECK_WITH(OutOfMemoryError, false,
                   "CUDA out of memory. Tried to allocate 20.00 GiB (GPU 0; 4.00 GiB)");
}

// Where work and the network were, and what the handler was told.
struct Recorded {
  std::vector<std::string> places, moves, items;
  DeviceFallback fallback;

  explicit Recorded(torch::Device device) : fallback(device) {
    fallback.SetMove([this](torch::Device to) { moves.push_back(to.str()); });
    fallback.OnShortage([this](const std::string& item, uint64_t bytes) {
      items.push_back(item + " " + std::to_string(bytes));
    });
  }
  DeviceFallback::Work Fits() {
    return [this](torch::Device device) { places.push_back(device.str()); };
  }
  DeviceFallback::Work FitsOnTheCpuOnly() {
    return [this](torch::Device device) {
      if (!device.is_cpu()) FailForWantOfMemory();
      places.push_back(device.str());
    };
  }
};

TEST(DeviceFallback, WhatFitsIsComputedOnTheDevice) {
  for (const torch::Device& device : {torch::Device(torch::kCPU), kGpu}) {
    Recorded recorded(device);
    recorded.fallback.Run(recorded.Fits(), "a", 1);
    EXPECT_THAT(recorded.places, ElementsAre(device.str()));
    EXPECT_TRUE(recorded.moves.empty());
    EXPECT_TRUE(recorded.items.empty());
  }
}

TEST(DeviceFallback, WhatDoesNotFitIsComputedOnTheCpuAndTheNextOnTheGpuAgain) {
  Recorded recorded(kGpu);
  recorded.fallback.Run(recorded.FitsOnTheCpuOnly(), "large", 77);
  EXPECT_THAT(recorded.items, ElementsAre("large 77"));
  recorded.fallback.Run(recorded.Fits(), "small", 1);
  EXPECT_THAT(recorded.places, ElementsAre("cpu", "cuda:0"));
  EXPECT_THAT(recorded.moves, ElementsAre("cpu", "cuda:0"));
  EXPECT_EQ(recorded.items.size(), 1u);
}

TEST(DeviceFallback, ANetworkThatNoLongerFitsStaysOnTheCpu) {
  std::vector<std::string> places;
  DeviceFallback fallback(kGpu);
  fallback.SetMove([](torch::Device to) {
    if (!to.is_cpu()) FailForWantOfMemory();
  });
  const auto fits_once = [&](torch::Device device) {
    if (!device.is_cpu()) FailForWantOfMemory();
    places.push_back(device.str());
  };
  fallback.Run(fits_once, "first", 0);
  fallback.Run([&](torch::Device device) { places.push_back(device.str()); }, "second", 0);
  EXPECT_THAT(places, ElementsAre("cpu", "cpu"));
}

TEST(DeviceFallback, SmallerPiecesCanBeTriedFirst) {
  Recorded recorded(kGpu);
  EXPECT_FALSE(recorded.fallback.Try(recorded.FitsOnTheCpuOnly()));
  EXPECT_TRUE(recorded.fallback.Try(recorded.Fits()));
  EXPECT_THAT(recorded.places, ElementsAre("cuda:0"));
  EXPECT_TRUE(recorded.moves.empty());
}

TEST(DeviceFallback, WhatTheHandlerThrowsEndsTheItemBeforeTheCpuBegins) {
  Recorded recorded(kGpu);
  recorded.fallback.OnShortage([](const std::string& item, uint64_t) { throw EnvironmentError(item); });
  EXPECT_THROW(recorded.fallback.Run(recorded.FitsOnTheCpuOnly(), "huge", 0), EnvironmentError);
  EXPECT_TRUE(recorded.places.empty());
  recorded.fallback.Run(recorded.Fits(), "small", 0);
  EXPECT_THAT(recorded.places, ElementsAre("cuda:0"));
}

TEST(DeviceFallback, ALostGpuIsAnEnvironmentErrorThatSaysWhatToDo) {
  Recorded recorded(kGpu);
  try {
    recorded.fallback.Run(
        [](torch::Device) {
          TORCH_CHECK(false,
                      "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be");
        },
        "a", 0);
    FAIL() << "it was not thrown";
  } catch (const EnvironmentError& error) {
    EXPECT_STREQ(error.what(),
                 "the GPU (cuda:0) failed: CUDA error: an illegal memory access was encountered; what was "
                 "committed is kept: run the same command again, or with --device cpu");
  }
  EXPECT_TRUE(recorded.places.empty());
}

TEST(DeviceFallback, OtherErrorsPass) {
  Recorded recorded(kGpu);
  EXPECT_THROW(recorded.fallback.Run([](torch::Device) { TORCH_CHECK(false, "sizes differ"); }, "a", 0),
               c10::Error);
  EXPECT_THROW(recorded.fallback.Run([](torch::Device) { throw InputError("bad"); }, "a", 0), InputError);
}

TEST(GpuFaultOf, TellsMemoryFromLossFromAnythingElse) {
  using F = GpuFault;
  const std::vector<std::pair<std::string, GpuFault>> known = {
      {"CUDA out of memory. Tried to allocate 2.00 MiB", F::kOutOfMemory},
      {"CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`", F::kOutOfMemory},
      {"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", F::kOutOfMemory},
      {"cuDNN error: CUDNN_STATUS_ALLOC_FAILED", F::kOutOfMemory},
      {"CUDA error: device-side assert triggered", F::kLost},
      {"CUDA error: unspecified launch failure", F::kLost},
      {"cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", F::kLost},
      {"[enforce fail at alloc_cpu.cpp:66] . DefaultCPUAllocator: can't allocate memory", F::kNone},
      {"The size of tensor a (3) must match\nCUDA", F::kNone}};
  for (const auto& [message, fault] : known) EXPECT_EQ(GpuFaultOf(message), fault) << message;
}

}  // namespace
}  // namespace colmatch
