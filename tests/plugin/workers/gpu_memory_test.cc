// What is said where a GPU has too little memory.
#include "plugin/workers/gpu_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

TEST(GpuShortageHandler, SaysItOnceForAllItems) {
  const auto handler = GpuShortageHandler();
  CaptureStderr();
  handler("matching 9 with 8 keypoints", 1000);
  EXPECT_THAT(GetCapturedStderr(),
              HasSubstr("the GPU has too little memory for matching 9 with 8 keypoints"));
  CaptureStderr();
  handler("matching 7 with 8 keypoints", 1000);
  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST(GpuShortageHandler, RefusesWhatTheMachinesMemoryDoesNotHoldEither) {
  const auto handler = GpuShortageHandler();
  try {
    handler("matching 1000000 with 1000000 keypoints", uint64_t{1} << 60);
    FAIL() << "it was not refused";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("matching 1000000 with 1000000 keypoints needs more memory"));
    EXPECT_THAT(error.what(), HasSubstr("--SuperPoint.max_num_features"));
  }
}

}  // namespace
}  // namespace colmatch
