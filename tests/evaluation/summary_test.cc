// Tests of the tables' statistics: values worked out by hand, and what the intervals must and must not
// depend on.
#include "evaluation/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

using Kind = Statistic::Kind;
constexpr double kFailure = std::numeric_limits<double>::infinity();

Statistic StatisticOf(Kind kind, const std::string& measure = "error") {
  Statistic statistic;
  statistic.measure = measure;
  statistic.kind = kind;
  statistic.auc_threshold = 5;
  return statistic;
}

std::vector<Measures> Rows(const std::vector<double>& values) {
  std::vector<Measures> rows;
  for (const double value : values) rows.push_back({{"error", value}});
  return rows;
}

std::vector<double> RandomValues(int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(std::uniform_real_distribution<double>(0, 8)(TestRng()));
  return values;
}

double Width(const Estimate& estimate) { return estimate.high - estimate.low; }

bool Same(const Estimate& a, const Estimate& b) {
  return a.value == b.value && a.low == b.low && a.high == b.high;
}

TEST(EstimateStatistic, AgreesWithValuesWorkedOutByHand) {
  const struct {
    const char* name;
    Kind kind;
    std::vector<double> values;
    double expected;
  } cases[] = {
      {"a mean", Kind::kMean, {1, 2, 6}, 3},
      {"the median of an odd number", Kind::kMedian, {6, 1, 2}, 2},
      {"the median of an even number", Kind::kMedian, {9, 1, 2, 4}, 3},
      {"a median beside failures", Kind::kMedian, {kFailure, 1, 2}, 2},
      {"an area under the curve", Kind::kAuc, {1, 3}, (0.25 + 2 * 0.75 + 2 * 1) / 5},
      {"a failure below the curve", Kind::kAuc, {1, kFailure}, (0.25 + 4 * 0.5) / 5},
  };
  for (const auto& c : cases)
    EXPECT_NEAR(EstimateStatistic(StatisticOf(c.kind), Rows(c.values)).value, c.expected, 1e-12) << c.name;
}

TEST(EstimateStatistic, LeavesOutRowsWithoutTheMeasure) {
  const std::vector<Measures> rows = Rows({1, 2, 6});
  std::vector<Measures> more = {{}, {{"another", 100}}};
  more.insert(more.begin() + 1, rows.begin(), rows.end());
  for (const Kind kind : {Kind::kMean, Kind::kMedian, Kind::kAuc}) {
    EXPECT_TRUE(Same(EstimateStatistic(StatisticOf(kind), more), EstimateStatistic(StatisticOf(kind), rows)));
  }
}

TEST(EstimateStatistic, OfNoneIsZero) {
  for (const Kind kind : {Kind::kMean, Kind::kMedian, Kind::kAuc}) {
    EXPECT_TRUE(Same(EstimateStatistic(StatisticOf(kind), {}), {0, 0, 0}));
    EXPECT_TRUE(Same(EstimateStatistic(StatisticOf(kind), {{{"another", 100}}}), {0, 0, 0}));
  }
}

TEST(EstimateStatistic, OfOneRowHasAnIntervalOfNoWidth) {
  EXPECT_TRUE(Same(EstimateStatistic(StatisticOf(Kind::kMean), Rows({0.7})), {0.7, 0.7, 0.7}));
}

TEST(EstimateStatistic, OfEqualValuesHasAnIntervalOfNoWidth) {
  for (const Kind kind : {Kind::kMean, Kind::kMedian, Kind::kAuc}) {
    const Estimate estimate = EstimateStatistic(StatisticOf(kind), Rows(std::vector<double>(30, 1.5)));
    EXPECT_GT(estimate.value, 0);
    EXPECT_EQ(Width(estimate), 0);
  }
}

TEST(EstimateStatistic, LiesWithinItsInterval) {
  for (const Kind kind : {Kind::kMean, Kind::kMedian, Kind::kAuc}) {
    const Estimate estimate = EstimateStatistic(StatisticOf(kind), Rows(RandomValues(40)));
    EXPECT_LT(estimate.low, estimate.value);
    EXPECT_GT(estimate.high, estimate.value);
  }
}

// 1.96 standard errors on both sides, which is what the bootstrap of many values must come to.
TEST(EstimateStatistic, HasTheTextbookIntervalForAMeanOfManyValues) {
  const std::vector<double> values = RandomValues(400);
  double sum = 0, sum_of_squares = 0;
  for (const double value : values) sum += value, sum_of_squares += value * value;
  const double mean = sum / 400, standard_error = std::sqrt((sum_of_squares / 400 - mean * mean) / 400);
  const Estimate estimate = EstimateStatistic(StatisticOf(Kind::kMean), Rows(values), 20000);
  EXPECT_NEAR((estimate.high - mean) / standard_error, 1.96, 0.1);
  EXPECT_NEAR((mean - estimate.low) / standard_error, 1.96, 0.1);
}

TEST(EstimateStatistic, HasANarrowerIntervalForMoreRows) {
  for (const Kind kind : {Kind::kMean, Kind::kMedian, Kind::kAuc}) {
    const Statistic statistic = StatisticOf(kind);
    EXPECT_LT(2 * Width(EstimateStatistic(statistic, Rows(RandomValues(1000)))),
              Width(EstimateStatistic(statistic, Rows(RandomValues(40)))));
  }
}

TEST(EstimateStatistic, GivesTheSameIntervalForTheSameSeedAndAnotherForAnother) {
  const std::vector<Measures> rows = Rows(RandomValues(50));
  const Statistic mean = StatisticOf(Kind::kMean);
  const Estimate first = EstimateStatistic(mean, rows, 200, 3);
  EXPECT_TRUE(Same(EstimateStatistic(mean, rows, 200, 3), first));
  EXPECT_FALSE(Same(EstimateStatistic(mean, rows, 200, 4), first));
}

TEST(EstimateStatistic, DrawsTheSameRowsForEveryMeasure) {
  std::vector<Measures> rows = Rows(RandomValues(50));
  for (Measures& row : rows) row["other"] = 2 * row["error"] + 1;
  const Estimate error = EstimateStatistic(StatisticOf(Kind::kMean), rows),
                 other = EstimateStatistic(StatisticOf(Kind::kMean, "other"), rows);
  EXPECT_NEAR(other.low, 2 * error.low + 1, 1e-9);
  EXPECT_NEAR(other.high, 2 * error.high + 1, 1e-9);
}

TEST(EstimateStatistic, OfFailuresAloneHasNoArea) {
  EXPECT_TRUE(
      Same(EstimateStatistic(StatisticOf(Kind::kAuc), Rows({kFailure, kFailure, kFailure})), {0, 0, 0}));
}

TEST(EstimateStatistic, KeepsTheIntervalOfAnAreaBetween0And1BesideFailures) {
  std::vector<double> values = RandomValues(20);
  values.resize(40, kFailure);
  const Estimate estimate = EstimateStatistic(StatisticOf(Kind::kAuc), Rows(values));
  EXPECT_GT(estimate.low, 0);
  EXPECT_LT(estimate.high, 0.5);
}

}  // namespace
}  // namespace colmatch
