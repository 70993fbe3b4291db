// The test before SuperGlue; see prefilter.h.
#include "matcher/prefilter.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <vector>

#include "network/kernels/bf16_attention.h"
#include "network/kernels/candidates.h"
#include "util/error.h"

namespace colmatch {
namespace {

// The most similar ones of rows and columns among products of at least `least`.
class SimilarNeighbors {
 public:
  SimilarNeighbors(int64_t rows, int64_t columns, float least)
      : least_(least),
        places_(static_cast<size_t>(columns)),
        row_best_(static_cast<size_t>(rows), -1),
        column_best_(static_cast<size_t>(columns), -1),
        column_largest_(static_cast<size_t>(columns)) {}

  void Add(int64_t first, int64_t rows, const float* products, int64_t stride) {
    const auto columns = static_cast<int64_t>(places_.size());
    for (int64_t i = first; i < first + rows; ++i, products += stride) {
      const int64_t count = ListAtLeast(products, columns, least_, places_.data());
      float largest = 0;
      for (int64_t k = 0; k < count; ++k) {
        const auto column = static_cast<size_t>(places_[static_cast<size_t>(k)]);
        const float product = products[column];
        if (k == 0 || product > largest) {
          largest = product;
          row_best_[static_cast<size_t>(i)] = static_cast<int32_t>(column);
        }
        if (column_best_[column] >= 0 && !(product > column_largest_[column])) continue;
        column_largest_[column] = product;
        column_best_[column] = static_cast<int32_t>(i);
      }
    }
  }

  int64_t CountMutual() const {
    int64_t count = 0;
    for (size_t i = 0; i < row_best_.size(); ++i) {
      const int32_t j = row_best_[i];
      count += j >= 0 && column_best_[static_cast<size_t>(j)] == static_cast<int32_t>(i) ? 1 : 0;
    }
    return count;
  }

 private:
  float least_;
  std::vector<int32_t> places_, row_best_, column_best_;  // -1: none
  std::vector<float> column_largest_;
};

void AddInBf16(const torch::Tensor& rows0, const torch::Tensor& rows1, SimilarNeighbors& neighbors) {
  const auto bits = [](const torch::Tensor& rows) {
    return reinterpret_cast<const Bf16*>(rows.data_ptr<int16_t>());
  };
  const int64_t d = rows0.size(1);
  const Bf16HeadShape shape{rows1.size(0), d};
  thread_local std::vector<Bf16> packed;
  simd::GrowTo(packed, shape.PackedKeys());
  PackKeys(shape, bits(rows1), d, packed.data());
  ProductsBf16(BestBf16Path(), shape, bits(rows0), rows0.size(0), d, packed.data(),
               [&](int64_t first, int64_t rows, const float* products, int64_t stride) {
                 neighbors.Add(first, rows, products, stride);
               });
}

void AddInFloats(const torch::Tensor& rows0, const torch::Tensor& rows1, SimilarNeighbors& neighbors) {
  constexpr int64_t kRows = 128;  // their products stay in the cache
  const auto columns = rows1.t();
  for (int64_t first = 0; first < rows0.size(0); first += kRows) {
    const auto products = torch::mm(rows0.narrow(0, first, std::min(kRows, rows0.size(0) - first)), columns);
    neighbors.Add(first, products.size(0), products.data_ptr<float>(), products.size(1));
  }
}

}  // namespace

void PrefilterOptions::Validate() const {
  kMinNeighbors.Require(min_neighbors);
  kMinSimilarity.Require(min_similarity);
}

PrefilterOptions PrefilterOptions::ResolvedFor(const SuperGlueArchitecture& weights) const {
  return {min_neighbors >= 0 ? min_neighbors : weights.min_neighbors,
          min_similarity != kAsTheWeights ? min_similarity : weights.neighbor_similarity};
}

PrefilterRows PrepareForPrefilter(const torch::Tensor& descriptors, bool in_bf16) {
  auto rows = descriptors.cpu().t().contiguous();
  if (!in_bf16) return {rows};
  // Pairs of channels are read: an odd last one has a 0 beside it.
  if (rows.size(1) % 2 == 1) rows = torch::constant_pad_nd(rows, {0, 1});
  auto bits = torch::empty(rows.sizes(), torch::kShort);
  std::transform(rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel(),
                 reinterpret_cast<Bf16*>(bits.data_ptr<int16_t>()), Bf16FromFloat);
  return {bits};
}

int64_t CountSimilarNeighbors(const PrefilterRows& image0, const PrefilterRows& image1,
                              double min_similarity) {
  if (image0.size() == 0 || image1.size() == 0) return 0;
  torch::NoGradGuard no_grad;
  SimilarNeighbors neighbors(image0.size(), image1.size(), static_cast<float>(min_similarity));
  if (image0.rows.scalar_type() == torch::kShort) {
    AddInBf16(image0.rows, image1.rows, neighbors);
  } else {
    AddInFloats(image0.rows, image1.rows, neighbors);
  }
  return neighbors.CountMutual();
}

}  // namespace colmatch
