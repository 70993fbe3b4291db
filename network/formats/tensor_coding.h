// Compressed tensors in a safetensors file, without LibTorch; docs/weights_format.md, "Compressed entries".
//
// A tensor NAME that is compressed is not there under its name, but as NAME:shape (I64), NAME:codes (U8, an
// entropy-coded message with a symbol a value) and one of
//   NAME:codebook (F32, (k))     value = codebook[symbol]; k-means quantization
//   NAME:scale (F32, (1))        value = scale * codebook[symbol]; the codebook is the entry :codebook,
//                                which all tensors with a scale share
//   NAME:scales (F32, (rows))    value = (symbol - 128) * scales[row]; linear quantization; row: first index
//   NAME:values (F16 or F32, (n)) value = the next of these where the symbol is 1, zero where it is 0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/formats/safetensors.h"

namespace colmatch {

inline constexpr int kLinearZero = 128;  // the symbol that means 0
// Of all tensors of a file together: a repeated symbol takes no bytes, so the file's size bounds nothing.
inline constexpr int64_t kMaxCodedValues = int64_t{1} << 26;

struct CodebookTensor {
  std::vector<int64_t> shape;
  std::vector<uint8_t> codes;
  std::vector<float> codebook;  // at most 256
  float scale = 0;  // of the codebook that all tensors with a scale share; 0: it is this tensor's own
};

struct LinearTensor {
  std::vector<int64_t> shape;
  std::vector<uint8_t> codes;  // 1 .. 255
  std::vector<float> scales;   // one for each first index
};

// Tensors with a scale must be of one codebook; a file has room for one.
void PutCodebook(SafetensorsFile& file, const std::string& name, const CodebookTensor& tensor);
void PutLinear(SafetensorsFile& file, const std::string& name, const LinearTensor& tensor);
// Zeros of a dense F16 or F32 tensor take no value, but their part of the mask.
void PutSparse(SafetensorsFile& file, const std::string& name, const StoredTensor& dense);

// Replaces compressed tensors by dense ones (F32; sparse ones in the type of their values). Throws
// WeightsError starting with `path` and the entry for parts that are missing, of another kind, size or
// meaning, and for damaged codes.
void DecodeCompressedTensors(SafetensorsFile& file, const std::string& path);

// The linearly quantized tensors of a file by name, for engines that compute with the integers. The same
// errors.
std::map<std::string, LinearTensor> ReadLinearTensors(const SafetensorsFile& file, const std::string& path);

}  // namespace colmatch
