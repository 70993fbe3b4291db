// SuperGlue's layers in bf16 or 8-bit integers on the CPU, for inference. Weights are packed once and
// attention is fused. No N x M matrix is stored, and no memory is allocated once the largest images have been
// processed. Residuals and sums are float32; activations between maps are bf16.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "network/engines/superglue_engine.h"
#include "network/kernels/int8_attention.h"
#include "network/kernels/packed_linear.h"

namespace colmatch {

// Images are N rows, one per keypoint. Constants are folded into each layer: the channels of a head are
// contiguous instead of interleaved, the queries' weights contain the scale, and `merge` is part of the
// residual Mlp's first map.
// Thread-safe: the packed weights are only read, and each calling thread has its own buffers for the images.
// Uses LibTorch's threads.
class PackedSuperGlue : public SuperGlueEngine {
 public:
  // Copies the current weights of a network on the CPU without batch normalisation (FoldBatchNorm). kBf16 or
  // kInt8 is the precision of the linear maps. kInt8 also applies to attention if the CPU has bf16
  // instructions (otherwise it would not be faster).
  PackedSuperGlue(SuperGlue network, Precision precision);

  // For pairs with equal numbers of keypoints: the remaining layers, the final projection and its products
  // (in bf16).
  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const override;
  // Selects candidates while a few rows of products are in the cache; the matrix is never written. Returns an
  // undefined tensor.
  torch::Tensor SelectCandidates(const torch::Tensor& prepared0, const torch::Tensor& prepared1,
                                 Candidates& candidates) const override;
  torch::Tensor AllCouplings() const override;

 protected:
  torch::Tensor FirstLayer(const torch::Tensor& encoded) const override;

 private:
  struct Layer {
    std::unique_ptr<const PackedLinear> query_key_value, hidden, residual;
  };
  // The buffers of an image during the layers.
  struct Side {
    int64_t rows = 0;
    std::vector<float> sums;          // (rows, padded D): the descriptors
    std::vector<Bf16> input;          // (rows, padded D + A): descriptors in bf16, then the message
    std::vector<Bf16> heads;          // (rows, 3 A padded): query, key, value
    std::vector<Bf16> keys, values;   // packed, one head after the other
    std::vector<float> longest_keys;  // lengths, one per head
    std::vector<Int8Keys> int8_keys;  // used instead of keys and values in int8, one per head
    std::vector<Int8Values> int8_values;
    std::vector<Bf16> projected;  // (rows, padded D): the final projection
  };

  static Layer PackLayer(SuperGlueImpl& network, size_t index, Precision precision);
  bool Int8Attention() const { return precision_ == Precision::kInt8 && HasBf16Instructions(); }
  void Load(const torch::Tensor& desc, Side& side) const;
  torch::Tensor Descriptors(const Side& side) const;
  // One layer on these images; image i attends to sources[i].
  void Run(const Layer& layer, const std::vector<Side*>& sides,
           const std::vector<const Side*>& sources) const;
  static Side* Scratch();  // two buffers, private to the calling thread
  void Project(const Layer& layer, const std::vector<Side*>& sides) const;
  void PackHead(Side& side, int64_t head) const;
  // Writes the messages of some queries of a head next to the descriptors.
  void AttendHead(Side& side, const Side& source, int64_t head, int64_t begin, int64_t rows) const;
  void Attend(const std::vector<Side*>& sides, const std::vector<const Side*>& sources) const;
  void AddResiduals(const Layer& layer, const std::vector<Side*>& sides) const;
  // Runs the layers of one pair in the scratch buffers.
  void RunPair(const torch::Tensor& desc0, const torch::Tensor& desc1) const;
  void ProjectCouplings(Side& side0, Side& side1) const;
  // Call this after ProjectCouplings. Calls take(block, first row, rows, products, stride); blocks come in
  // any order.
  template <typename Take>
  void ForCouplings(const Take& take) const;
  void ScoreCouplings(float* scores) const;

  Precision precision_;
  int64_t dim_, padded_dim_, attention_dim_, heads_;
  std::vector<Layer> layers_;
  // In bf16, divided by the fourth root of D; the product of both images is thus divided by the square root
  // of D.
  std::unique_ptr<const PackedLinear> final_projection_;
};

}  // namespace colmatch
