// Tests of mixed precision: what autocast computes in, and the loss scale of float16.
#include "training/losses/mixed_precision.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "util/error.h"

namespace colmatch {
namespace {

const torch::Device kCpu(torch::kCPU);

TEST(TrainingPrecision, HasItsNamesAndRefusesOthers) {
  EXPECT_EQ(TrainingPrecisionFromName("auto", kCpu), Precision::kFloat32);
  EXPECT_EQ(TrainingPrecisionFromName("fp32", kCpu), Precision::kFloat32);
  EXPECT_EQ(TrainingPrecisionFromName("bf16", kCpu), Precision::kBf16);
  EXPECT_EQ(TrainingPrecisionFromName("fp16", torch::Device(torch::kCUDA)), Precision::kFp16);
  EXPECT_THROW(TrainingPrecisionFromName("fp16", kCpu), UsageError);
  EXPECT_THROW(TrainingPrecisionFromName("int8", kCpu), UsageError);
}

TEST(AutocastGuard, MatrixProductsAreBFloat16WhileItLivesAndFloat32Afterwards) {
  const auto a = torch::rand({8, 8}), b = torch::rand({8, 8});
  {
    const AutocastGuard guard(Precision::kBf16, kCpu);
    EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat);
  const AutocastGuard none(Precision::kFloat32, kCpu);
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat);
}

TEST(AutocastPause, MatrixProductsAreFloat32WhileItLives) {
  const auto a = torch::rand({8, 8}), b = torch::rand({8, 8});
  const AutocastGuard guard(Precision::kBf16, kCpu);
  {
    const AutocastPause pause(kCpu);
    EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat);
  }
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kBFloat16);
}

TEST(LossScaler, HalvesAndLeavesOutAStepThatOverflowsAndDoublesAfter2000GoodOnes) {
  LossScaler scaler(Precision::kFp16, 1024);
  EXPECT_FALSE(scaler.Update(false));
  EXPECT_EQ(scaler.scale(), 512);
  for (int i = 0; i < 1999; ++i) EXPECT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale(), 512);
  scaler.Update(true);
  EXPECT_EQ(scaler.scale(), 1024);
}

TEST(LossScaler, GoesOnWhereItWas) {
  LossScaler first(Precision::kFp16), second(Precision::kFp16);
  first.Update(false);
  for (int i = 0; i < 1500; ++i) first.Update(true);
  second.Restore(first.scale(), first.good_steps());
  for (int i = 0; i < 500; ++i) second.Update(true);
  EXPECT_EQ(second.scale(), 2 * first.scale());
}

TEST(LossScaler, DoesNothingForOtherPrecisions) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBf16}) {
    LossScaler scaler(precision);
    EXPECT_FALSE(scaler.is_active());
    EXPECT_TRUE(scaler.Update(false)) << "the loop's own guard speaks";
    EXPECT_EQ(scaler.scale(), 1);
  }
}

}  // namespace
}  // namespace colmatch
