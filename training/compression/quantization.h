// Fewer bits a weight: integers with a scale a row, and codebooks by k-means (Han 2016). Values are the
// decoded ones of network/formats/tensor_coding.h.
#pragma once

#include <torch/types.h>

#include "network/formats/tensor_coding.h"

namespace colmatch {

// Symmetric, `bits` in [2, 8]: each first index has its own scale, its largest magnitude over 2^(bits-1) - 1;
// nothing wraps.
LinearTensor QuantizeLinearly(const torch::Tensor& weight, int bits);

// 2^bits values, `bits` in [1, 8], of least squared error: Lloyd's iteration, the better of two starts. Zeros
// stay zero and, where there are any, are one of the values: pruned weights stay pruned. Deterministic.
CodebookTensor QuantizeByClusters(const torch::Tensor& weight, int bits);

// Symbols as int64, to index with.
torch::Tensor IndicesOf(const std::vector<uint8_t>& codes);

torch::Tensor ValuesOf(const LinearTensor& tensor);
torch::Tensor ValuesOf(const CodebookTensor& tensor);

}  // namespace colmatch
