// Tests of the learning-rate schedule: warm-up, peak, decay, end.
#include "training/loop/schedule.h"

#include <gtest/gtest.h>

namespace colmatch {
namespace {

ScheduleOptions Schedule() {
  ScheduleOptions schedule;
  schedule.learning_rate = 0.02;
  schedule.final_share = 0.05;
  schedule.warmup_steps = 10;
  schedule.num_steps = 110;
  return schedule;
}

TEST(Schedule, WarmUpRisesInEqualStepsAndNeverStartsAtZero) {
  for (int64_t step = 0; step < 10; ++step)
    EXPECT_NEAR(Schedule().At(step), 0.002 * (step + 1), 1e-15) << step;
}

TEST(Schedule, ThePeakIsTheLearningRateAtTheEndOfTheWarmUp) {
  EXPECT_NEAR(Schedule().At(9), 0.02, 1e-15);
  EXPECT_NEAR(Schedule().At(10), 0.02, 1e-15);
}

TEST(Schedule, AfterTheWarmUpItOnlyFalls) {
  for (int64_t step = 11; step < 110; ++step) EXPECT_LT(Schedule().At(step), Schedule().At(step - 1)) << step;
}

TEST(Schedule, HalfWayDownItIsHalfWayBetweenPeakAndEnd) {
  EXPECT_NEAR(Schedule().At(60), (0.02 + 0.001) / 2, 1e-15);
}

TEST(Schedule, ItEndsAtTheFinalShareAndStaysThere) {
  EXPECT_NEAR(Schedule().At(109), 0.001, 1e-5);
  for (const int64_t step : {110, 111, 1000}) EXPECT_NEAR(Schedule().At(step), 0.001, 1e-15) << step;
}

TEST(Schedule, WithoutWarmUpTheFirstStepIsThePeak) {
  ScheduleOptions schedule = Schedule();
  schedule.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(schedule.At(0), 0.02);
}

TEST(Schedule, ARunOfNoStepsPastItsWarmUpStillHasALearningRate) {
  ScheduleOptions schedule = Schedule();
  schedule.num_steps = schedule.warmup_steps;
  EXPECT_GT(schedule.At(9), 0);
  EXPECT_GT(schedule.At(10), 0);
}

}  // namespace
}  // namespace colmatch
