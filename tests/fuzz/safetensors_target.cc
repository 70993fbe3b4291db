// Weights files: network/formats/safetensors.h. What is read is written again, and must come back the same.
#include "network/formats/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

void ReadAndWriteAgain(std::string_view input) {
  const SafetensorsFile file = ParseSafetensors(input, "fuzz");
  const SafetensorsFile again = ParseSafetensors(SerializeSafetensors(file, "fuzz"), "fuzz");
  if (again.metadata != file.metadata || again.tensors.size() != file.tensors.size()) std::abort();
  for (const auto& [name, tensor] : file.tensors) {
    const StoredTensor& other = again.tensors.at(name);
    if (other.type != tensor.type || other.shape != tensor.shape || other.bytes != tensor.bytes) std::abort();
  }
}

bool Run(std::string_view input) {
  return Accepted([&] { ReadAndWriteAgain(input); });
}

std::vector<std::string> Seeds() {
  SafetensorsFile file;
  const std::string empty = SerializeSafetensors(file, "seed");
  file.metadata = {{"architecture", "superpoint"}, {"licence", "Apache-2.0"}};
  file.tensors["conv1a.weight"] = {ScalarType::kF32, {2, 3}, std::string(24, '\1')};
  file.tensors["conv1a.bias"] = {ScalarType::kF16, {2}, std::string(4, '\2')};
  file.tensors["bin_score"] = {ScalarType::kF64, {}, std::string(8, '\3')};
  file.tensors["none"] = {ScalarType::kI64, {0, 7}, ""};
  return {empty, SerializeSafetensors(file, "seed")};
}

const RegisterFuzzTarget registered({"safetensors", Run, Seeds});

}  // namespace
}  // namespace colmatch
