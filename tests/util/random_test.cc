// Tests of the random numbers: a pure function of (seed, step, index), with the distributions they claim.
#include "util/random.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace colmatch {
namespace {

constexpr int kDraws = 20000;

TEST(Rng, TheSameSeedStepAndIndexGiveTheSameNumbers) {
  Rng a(7, 100, 3), b(7, 100, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next()) << i;
}

TEST(Rng, EverySeedStepAndIndexHasItsOwnNumbers) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    for (uint64_t step = 0; step < 12; ++step) {
      for (uint64_t index = 0; index < 12; ++index) first.insert(Rng(seed, step, index).Next());
    }
  }
  EXPECT_EQ(first.size(), 12u * 12u * 12u);
}

TEST(Rng, TheNumbersAreTheseOnEveryPlatform) {
  Rng rng(1, 2, 3);  // computed apart, in Python, from the definition of SplitMix64
  EXPECT_EQ(rng.Next(), 0x8222f19a74641ea4u);
  EXPECT_EQ(rng.Next(), 0x12149f7b074c217cu);
  EXPECT_EQ(rng.Next(), 0xb4e1d71ec9a5f27eu);
}

TEST(Rng, UniformNumbersStayInTheirRangeAndFillItEvenly) {
  Rng rng(0, 0, 0);
  double sum = 0;
  std::vector<int> tenth(10);
  for (int i = 0; i < kDraws; ++i) {
    const double value = rng.Uniform(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LT(value, 3);
    sum += value;
    ++tenth[static_cast<size_t>((value + 2) * 2)];
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.05);  // five standard deviations of the mean
  for (const int count : tenth) EXPECT_NEAR(count, kDraws / 10, 220);
}

TEST(Rng, BelowReachesEveryNumberAndNoOther) {
  Rng rng(3, 0, 0);
  std::set<int64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(rng.Below(7));
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Rng, NormalNumbersHaveMeanZeroAndDeviationOne) {
  Rng rng(5, 0, 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = rng.Normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.035);
  EXPECT_NEAR(squares / kDraws, 1, 0.05);
}

TEST(Rng, AChanceHappensAsOftenAsItSays) {
  Rng rng(6, 0, 0);
  int never = 0, sometimes = 0, always = 0;
  for (int i = 0; i < kDraws; ++i) {
    never += rng.Chance(0);
    sometimes += rng.Chance(0.25);
    always += rng.Chance(1);
  }
  EXPECT_EQ(never, 0);
  EXPECT_NEAR(sometimes, kDraws / 4, 320);
  EXPECT_EQ(always, kDraws);
}

}  // namespace
}  // namespace colmatch
