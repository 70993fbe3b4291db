// SuperGlue's layers in bf16 or 8-bit integers on the CPU, for inference: weights packed once, attention
// fused, no N x M matrix and no allocation once the largest images have been seen. Residuals and
// sums are float32, what goes from map to map is bf16.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "network/engines/superglue_engine.h"
#include "network/kernels/int8_attention.h"
#include "network/kernels/packed_linear.h"

namespace colmatch {

// N rows, one a keypoint. What is constant in a layer is multiplied out: heads lie together instead of
// interleaved, the queries' scale is in their weights, and `merge` is part of the residual Mlp's first map.
// Any thread at any time: the packed weights are only read, and the images on their way through the layers
// belong to the thread that calls. It starts LibTorch's threads.
class PackedSuperGlue : public SuperGlueEngine {
 public:
  // The layers of a network without batch normalisation (FoldBatchNorm), on the CPU, as they are now. kBf16
  // or kInt8: of the linear maps; with kInt8 also of attention, where there are instructions for it
  // (elsewhere it would not be faster).
  PackedSuperGlue(SuperGlue network, Precision precision);

  // Pairs of equal counts: the other layers, the final projection and its products (in bf16).
  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const override;
  // Selected while a few rows of products are in the cache, the matrix is never written. Returns none.
  torch::Tensor SelectCandidates(const torch::Tensor& prepared0, const torch::Tensor& prepared1,
                                 Candidates& candidates) const override;
  torch::Tensor AllCouplings() const override;

 protected:
  torch::Tensor FirstLayer(const torch::Tensor& encoded) const override;

 private:
  struct Layer {
    std::unique_ptr<const PackedLinear> query_key_value, hidden, residual;
  };
  // An image on its way through the layers.
  struct Side {
    int64_t rows = 0;
    std::vector<float> sums;          // (rows, padded D): the descriptors
    std::vector<Bf16> input;          // (rows, padded D + A): the same rounded, beside the message
    std::vector<Bf16> heads;          // (rows, 3 A padded): query, key, value
    std::vector<Bf16> keys, values;   // packed, one head after the other
    std::vector<float> longest_keys;  // lengths, one a head
    std::vector<Int8Keys> int8_keys;  // instead of them, one a head
    std::vector<Int8Values> int8_values;
    std::vector<Bf16> projected;  // (rows, padded D): the final projection
  };

  static Layer PackLayer(SuperGlueImpl& network, size_t index, Precision precision);
  bool Int8Attention() const { return precision_ == Precision::kInt8 && HasBf16Instructions(); }
  void Load(const torch::Tensor& desc, Side& side) const;
  torch::Tensor Descriptors(const Side& side) const;
  // One layer on these images, each looking at sources[i].
  void Run(const Layer& layer, const std::vector<Side*>& sides,
           const std::vector<const Side*>& sources) const;
  static Side* Scratch();  // two sides, of this thread
  void Project(const Layer& layer, const std::vector<Side*>& sides) const;
  void PackHead(Side& side, int64_t head) const;
  // Messages of some queries of a head, beside the descriptors.
  void AttendHead(Side& side, const Side& source, int64_t head, int64_t begin, int64_t rows) const;
  void Attend(const std::vector<Side*>& sides, const std::vector<const Side*>& sources) const;
  void AddResiduals(const Layer& layer, const std::vector<Side*>& sides) const;
  // The layers of one pair, into the scratch.
  void RunPair(const torch::Tensor& desc0, const torch::Tensor& desc1) const;
  void ProjectCouplings(Side& side0, Side& side1) const;
  // After ProjectCouplings; take(block, first row, rows, products, stride), blocks in any order.
  template <typename Take>
  void ForCouplings(const Take& take) const;
  void ScoreCouplings(float* scores) const;

  Precision precision_;
  int64_t dim_, padded_dim_, attention_dim_, heads_;
  std::vector<Layer> layers_;
  // In bf16, over the fourth root of D: both sides together are over its square root.
  std::unique_ptr<const PackedLinear> final_projection_;
};

}  // namespace colmatch
