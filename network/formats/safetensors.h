// The safetensors container, read and written strictly, without LibTorch: docs/weights_format.md.
//
// A file is: header length (u64, little-endian), header (JSON), data. Stricter than the format asks for:
// nothing in the file may be unused, doubled or unknown.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace colmatch {

inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // bytes, the reference implementation's limit

enum class ScalarType { kBool, kU8, kI8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64 };

// "F32", "I64", ...: the names of the format.
const char* ScalarTypeName(ScalarType type);
uint64_t ScalarTypeSize(ScalarType type);  // bytes

struct StoredTensor {
  ScalarType type = ScalarType::kF32;
  std::vector<int64_t> shape;  // none: a scalar
  std::string bytes;           // row-major, little-endian
};

// Bytes a tensor of this shape and type has. Throws WeightsError starting with `where` on a negative size and
// where the product does not fit into 63 bits.
uint64_t CheckedByteSize(const std::vector<int64_t>& shape, ScalarType type, const std::string& where);

// std::map: the same content gives the same bytes.
struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

// Throw WeightsError naming the file (or `name`) and the entry.
SafetensorsFile ParseSafetensors(std::string_view bytes, const std::string& name);
SafetensorsFile ReadSafetensors(const std::string& path);

// Larger scalars first, then by name, so that every tensor is aligned; the header is padded to 8 bytes.
std::string SerializeSafetensors(const SafetensorsFile& file, const std::string& name);
void WriteSafetensors(const SafetensorsFile& file, const std::string& path);

}  // namespace colmatch
