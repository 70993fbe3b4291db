// Memory-equivalent capacity; see capacity.h.
#include "evaluation/capacity.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace colmatch {
namespace {

double EntropyBits(const std::vector<CapacityRow>& rows) {
  std::map<int32_t, double> counts;
  for (const CapacityRow& row : rows) ++counts[row.label];
  double entropy = 0;
  for (const auto& item : counts) {
    const double p = item.second / static_cast<double>(rows.size());
    entropy -= p * std::log2(p);
  }
  return entropy;
}

}  // namespace

double SeedCapacityBits(int num_layer_pairs) { return 4096.0 + (2.0 * num_layer_pairs - 1) * 768.0; }

double SuperGlueCapacityBits(int num_layer_pairs, int descriptor_dim, int num_keypoints) {
  const double d = descriptor_dim, hidden = 2 * d;
  const double first_parameters = 2 * d * hidden + hidden, second_parameters = hidden * d + d;
  const double brought_in = 2.0 * num_keypoints * (d + 3);
  double bits = 0;
  for (int layer = 0; layer < 2 * num_layer_pairs; ++layer) {
    // Later layers see the d outputs of the one before beside a message that is made from them too.
    bits += std::min(first_parameters, layer == 0 ? brought_in : d);
    bits += std::min(second_parameters, hidden);
  }
  return bits;
}

DatasetCapacity EstimateDatasetCapacity(std::vector<CapacityRow> rows, int64_t num_features) {
  DatasetCapacity capacity;
  capacity.rows = static_cast<int64_t>(rows.size());
  if (rows.empty()) return capacity;
  capacity.label_entropy_bits = EntropyBits(rows);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const CapacityRow& a, const CapacityRow& b) { return a.sum < b.sum; });
  for (size_t i = 1; i < rows.size(); ++i) capacity.thresholds += rows[i].label != rows[i - 1].label;
  const auto t = static_cast<double>(capacity.thresholds), d = static_cast<double>(num_features);
  capacity.expected_bits = std::log2(t + 1) * d;
  capacity.maximum_bits = t * d + t + 1;
  if (capacity.expected_bits > 0) {
    capacity.expected_generalization =
        static_cast<double>(capacity.rows) * capacity.label_entropy_bits / capacity.expected_bits;
  }
  return capacity;
}

std::vector<DatasetCapacity> CapacityProgression(const std::vector<CapacityRow>& rows, int64_t num_features,
                                                 const std::vector<double>& shares) {
  std::vector<DatasetCapacity> progression;
  for (const double share : shares) {
    const auto count = static_cast<size_t>(std::llround(share * static_cast<double>(rows.size())));
    progression.push_back(EstimateDatasetCapacity(
        {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(count, rows.size()))},
        num_features));
  }
  return progression;
}

double SeedGeneralization(double num_correct, double capacity_bits) { return num_correct / capacity_bits; }

double GeneralizationBitsPerBit(double num_correct, double label_entropy_bits, double capacity_bits) {
  return num_correct * label_entropy_bits / capacity_bits;
}

}  // namespace colmatch
