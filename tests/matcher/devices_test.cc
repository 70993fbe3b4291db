// Names of devices.
#include "matcher/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/message_of.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

torch::Device Gpu(int index) { return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)}; }
const torch::Device kCpu = torch::kCPU;

TEST(DevicesFromName, AutoIsEveryGpuAndWithoutOneTheCpu) {
  EXPECT_THAT(DevicesFromName("auto", 0), ElementsAre(kCpu));
  EXPECT_THAT(DevicesFromName("auto", 3), ElementsAre(Gpu(0), Gpu(1), Gpu(2)));
  EXPECT_EQ(DevicesFromName("auto").front().is_cuda(), torch::cuda::is_available());
}

TEST(DevicesFromName, CudaIsEveryGpuAndNumbersAreThoseInTheirOrder) {
  EXPECT_THAT(DevicesFromName("cuda", 2), ElementsAre(Gpu(0), Gpu(1)));
  EXPECT_THAT(DevicesFromName("cuda:1", 2), ElementsAre(Gpu(1)));
  EXPECT_THAT(DevicesFromName("cuda:2,0", 3), ElementsAre(Gpu(2), Gpu(0)));
  EXPECT_THAT(DevicesFromName("cpu", 3), ElementsAre(kCpu));
}

TEST(DevicesFromName, AGpuNamedAgainCountsOnce) {
  EXPECT_THAT(DevicesFromName("cuda:1,0,1,1", 2), ElementsAre(Gpu(1), Gpu(0)));
}

TEST(DevicesFromName, OtherNamesAreUsageErrors) {
  for (const char* name :
       {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999999999999", "cpu:0",
        "cuda 0", "cuda,0", "cuda:0,", "cuda:,0", "cuda:0,,1", "cuda:0;1", "cuda:0,cuda:1", "cpu,cuda:0"}) {
    EXPECT_THROW(DevicesFromName(name, 4), UsageError) << name;
    EXPECT_THROW(DeviceFromName(name, 4), UsageError) << name;
  }
}

TEST(DevicesFromName, AGpuThatIsNotThereIsAnEnvironmentErrorThatSaysHowManyAre) {
  for (const char* name : {"cuda:2", "cuda:0,2", "cuda:999"})
    EXPECT_THAT(MessageOf<EnvironmentError>([&] { DevicesFromName(name, 2); }), HasSubstr("2 CUDA devices"))
        << name;
  EXPECT_THROW(DevicesFromName("cuda", 0), EnvironmentError);
}

TEST(DeviceFromName, IsTheFirstOfAutoAndCuda) {
  EXPECT_EQ(DeviceFromName("auto", 0), kCpu);
  EXPECT_EQ(DeviceFromName("cpu", 2), kCpu);
  EXPECT_EQ(DeviceFromName("auto", 2), Gpu(0));
  EXPECT_EQ(DeviceFromName("cuda", 2), Gpu(0));
  EXPECT_EQ(DeviceFromName("cuda:1", 2), Gpu(1));
  EXPECT_EQ(DeviceFromName("cuda:1,1", 2), Gpu(1));
}

TEST(DeviceFromName, RefusesSeveralAndSaysWhatToSayInstead) {
  EXPECT_THAT(MessageOf<UsageError>([] { DeviceFromName("cuda:1,0", 2); }),
              HasSubstr("--device cuda:1,0 names several devices, and this command computes on one: say "
                        "--device cuda:1"));
}

TEST(DeviceNameFromGpuIndex, TakesColmapsSpellings) {
  EXPECT_EQ(DeviceNameFromGpuIndex("-1"), "cuda");
  EXPECT_EQ(DeviceNameFromGpuIndex("0"), "cuda:0");
  EXPECT_EQ(DeviceNameFromGpuIndex("0,1"), "cuda:0,1");
  EXPECT_EQ(DeviceNameFromGpuIndex("2, 0"), "cuda:2,0");
  EXPECT_EQ(DeviceNameFromGpuIndex("0,0,0,0"), "cuda:0") << "its way to four threads of one GPU";
}

TEST(DeviceNameFromGpuIndex, RefusesWhatIsNoNumber) {
  for (const char* index : {"", "first", "-2", "-1,0", "0,", ",", "1.5", "0 1", "1000"})
    EXPECT_THAT(MessageOf<UsageError>([&] { DeviceNameFromGpuIndex(index); }), HasSubstr("gpu_index"))
        << index;
}

}  // namespace
}  // namespace colmatch
