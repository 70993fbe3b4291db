// Compressed tensors and the entropy coder: network/formats/tensor_coding.h, network/formats/entropy_coder.h.
// The input is taken apart into the parts of two tensors, so that mutations reach the decoders and not only
// the container.
#include <iterator>

#include "network/formats/entropy_coder.h"
#include "network/formats/tensor_coding.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

constexpr const char* kCodings[] = {":codebook", ":scales", ":values", ":scale"};
constexpr int kCodebook = 0, kScales = 1, kValues = 2, kScale = 3, kHalf = 0x80;

const char* PartOf(int coding) { return kCodings[coding % std::size(kCodings)]; }

StoredTensor List(InputCursor& input, ScalarType type) {
  StoredTensor tensor;
  tensor.type = type;
  tensor.bytes = std::string(input.Block());
  tensor.bytes.resize(tensor.bytes.size() / ScalarTypeSize(type) * ScalarTypeSize(type));
  tensor.shape = {static_cast<int64_t>(tensor.bytes.size() / ScalarTypeSize(type))};
  return tensor;
}

void AddTensor(InputCursor& input, const std::string& name, SafetensorsFile& file) {
  const uint8_t coding = input.Byte();
  file.tensors[name + ":shape"] = List(input, ScalarType::kI64);
  file.tensors[name + ":codes"] = List(input, ScalarType::kU8);
  file.tensors[name + PartOf(coding)] = List(input, coding & kHalf ? ScalarType::kF16 : ScalarType::kF32);
}

bool Run(std::string_view bytes) {
  InputCursor input(bytes);
  const auto count = static_cast<uint64_t>(input.Byte());
  const std::string_view message = input.Block();
  const bool decoded = Accepted([&] { DecodeSymbols(message, count, "fuzz"); });
  SafetensorsFile file;
  AddTensor(input, "a", file);
  AddTensor(input, "b", file);
  if (const StoredTensor shared = List(input, ScalarType::kF32); !shared.bytes.empty())
    file.tensors[":codebook"] = shared;
  const bool linear = Accepted([&] { ReadLinearTensors(file, "fuzz"); });
  const bool dense = Accepted([&] { DecodeCompressedTensors(file, "fuzz"); });
  return decoded && linear && dense;
}

std::string TensorBytes(const SafetensorsFile& file, int coding) {
  const auto part = [&](const char* name) {
    return BlockBytes(file.tensors.at(std::string("t") + name).bytes);
  };
  return std::string(1, static_cast<char>(coding)) + part(":shape") + part(":codes") + part(PartOf(coding));
}

std::vector<std::string> Seeds() {
  SafetensorsFile codebook, linear, sparse, scaled;
  PutCodebook(codebook, "t", {{2, 3}, {0, 1, 1, 0, 2, 1}, {0.5F, -1, 2}});
  PutLinear(linear, "t", {{2, 3}, {128, 1, 255, 7, 7, 7}, {0.5F, 0.25F}});
  PutSparse(sparse, "t", {ScalarType::kF16, {4}, std::string("\0\0\1\2\0\0\3\4", 8)});
  PutCodebook(scaled, "t", {{2, 3}, {0, 1, 1, 0, 2, 1}, {0.5F, -1, 2}, 0.25F});
  const std::string message = EncodeSymbols({3, 1, 4, 1, 5});
  const std::string first = "\5" + BlockBytes(message);
  return {first + TensorBytes(codebook, kCodebook) + TensorBytes(linear, kScales),
          first + TensorBytes(sparse, kValues | kHalf) + TensorBytes(linear, kScales),
          first + TensorBytes(scaled, kScale) + TensorBytes(scaled, kScale) +
              BlockBytes(scaled.tensors.at(":codebook").bytes)};
}

const RegisterFuzzTarget registered({"tensor_coding", Run, Seeds});

}  // namespace
}  // namespace colmatch
