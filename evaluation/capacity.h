// Memory-equivalent capacity (MEC): how many bits a learner can memorise (Friedland, Metere, Krell: "A
// Practical Approach to Sizing Neural Networks", 2018), of SuperGlue at a depth and of a dataset; the first
// seed's measurements, with its formula and with a corrected one.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

// The seed's: 4096 + (2 L - 1) * 768 bits for L pairs of layers, as it is printed there. What is wrong with
// it: the MLP of a layer has two linear maps, not three; its input is the keypoint's state beside the message
// (512 numbers), not 256; and the first bottleneck counts positions and scores only, not the descriptors.
double SeedCapacityBits(int num_layer_pairs);

// The same rules on the real network: a layer holds as many bits as it has parameters, but no more than its
// input brings. The first linear map sees everything that SuperPoint says of two images, 2 * num_keypoints *
// (descriptor_dim + 3) numbers; each later one the outputs of the one before. Keypoint encoder, attention,
// batch norm and the final projection are left out, as in the seed.
double SuperGlueCapacityBits(int num_layer_pairs, int descriptor_dim, int num_keypoints);

// Rows of a classification dataset: what the heuristic needs of them.
struct CapacityRow {
  double sum = 0;  // of the row's features
  int32_t label = 0;
};

struct DatasetCapacity {
  int64_t rows = 0;
  int64_t thresholds = 0;    // label changes along the rows sorted by sum
  double expected_bits = 0;  // log2(thresholds + 1) * features: of a network that finds structure
  double maximum_bits = 0;   // thresholds * features + thresholds + 1: of one that memorises
  double label_entropy_bits = 0;
  double expected_generalization = 0;  // rows * label entropy / expected_bits, bits per bit
};

// Algorithm 1 of that paper.
DatasetCapacity EstimateDatasetCapacity(std::vector<CapacityRow> rows, int64_t num_features);

// The same of the first share of the rows for each of `shares` in (0, 1]: the capacity progression. A curve
// that flattens means that later rows bring nothing that has to be memorised.
std::vector<DatasetCapacity> CapacityProgression(const std::vector<CapacityRow>& rows, int64_t num_features,
                                                 const std::vector<double>& shares);

// Correct answers per bit of capacity, as the seed defines G.
double SeedGeneralization(double num_correct, double capacity_bits);

// Bits answered right per bit of capacity: each right answer is worth the entropy of the labels.
double GeneralizationBitsPerBit(double num_correct, double label_entropy_bits, double capacity_bits);

}  // namespace colmatch
