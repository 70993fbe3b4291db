// Memory-equivalent capacity: the seed's numbers, the corrected ones by hand, the heuristic on small tables.
#include "evaluation/capacity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace colmatch {
namespace {

TEST(Capacity, TheSeedsFormulaGivesTheSeedsTable) {
  const int depths[] = {9, 7, 5, 3, 2, 1};
  const double bits[] = {17152, 14080, 11008, 7936, 6400, 4864};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(SeedCapacityBits(depths[i]), bits[i]);
}

TEST(Capacity, OfTheRealNetworkIsBoundByParametersFirstAndByInputsLater) {
  // D = 4: the first map has 8 * 8 + 8 parameters, less than the 2 * 100 * 7 numbers brought in; its 8
  // outputs bound the second one; every later layer gets 4 and then 8.
  EXPECT_EQ(SuperGlueCapacityBits(1, 4, 100), 72 + 8 + 4 + 8);
  EXPECT_EQ(SuperGlueCapacityBits(2, 4, 100), 72 + 8 + 3 * (4 + 8));
  // One keypoint brings 2 * 7 numbers, fewer than there are parameters.
  EXPECT_EQ(SuperGlueCapacityBits(1, 4, 1), 14 + 8 + 4 + 8);
}

TEST(DatasetCapacity, CountsLabelChangesAlongTheSortedSums) {
  const DatasetCapacity capacity =
      EstimateDatasetCapacity({{3, 1}, {1, 0}, {2, 0}, {5, 0}, {4, 1}}, /*num_features=*/10);
  EXPECT_EQ(capacity.rows, 5);
  EXPECT_EQ(capacity.thresholds, 2);  // 0 0 1 1 0
  EXPECT_DOUBLE_EQ(capacity.expected_bits, std::log2(3) * 10);
  EXPECT_DOUBLE_EQ(capacity.maximum_bits, 2 * 10 + 2 + 1);
  const double entropy = -(0.6 * std::log2(0.6) + 0.4 * std::log2(0.4));
  EXPECT_NEAR(capacity.label_entropy_bits, entropy, 1e-12);
  EXPECT_NEAR(capacity.expected_generalization, 5 * entropy / (std::log2(3) * 10), 1e-12);
}

TEST(DatasetCapacity, OfOneLabelOrNoRowsIsNothingToMemorise) {
  EXPECT_EQ(EstimateDatasetCapacity({{1, 7}, {2, 7}}, 5).expected_bits, 0);
  EXPECT_EQ(EstimateDatasetCapacity({}, 5).rows, 0);
}

TEST(DatasetCapacity, ProgressesOverGrowingPartsAndEndsWithAllRows) {
  std::vector<CapacityRow> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({static_cast<double>(i), i % 2});
  const auto progression = CapacityProgression(rows, 3, {0.1, 0.5, 1});
  EXPECT_EQ(progression[0].rows, 10);
  EXPECT_EQ(progression[1].thresholds, 49);
  EXPECT_EQ(progression[2].expected_bits, EstimateDatasetCapacity(rows, 3).expected_bits);
}

TEST(Generalization, CountsAnswersOrTheirBits) {
  EXPECT_DOUBLE_EQ(SeedGeneralization(11200, 6400), 1.75);
  EXPECT_DOUBLE_EQ(GeneralizationBitsPerBit(1000, 7, 3500), 2);
}

}  // namespace
}  // namespace colmatch
