// Tensors of weights files; see stored_tensor.h.
#include "network/stored_tensor.h"

#include <torch/torch.h>

#include <cstring>

#include "util/error.h"

namespace colmatch {
namespace {

torch::ScalarType TorchType(ScalarType type, const std::string& where) {
  switch (type) {
    case ScalarType::kF16:
      return torch::kHalf;
    case ScalarType::kBF16:
      return torch::kBFloat16;
    case ScalarType::kF32:
      return torch::kFloat;
    case ScalarType::kF64:
      return torch::kDouble;
    case ScalarType::kI64:
      return torch::kLong;
    default:
      throw WeightsError(where + " has dtype " + ScalarTypeName(type) + ", expected F32, F16, BF16 or I64");
  }
}

}  // namespace

torch::Tensor TensorOf(const StoredTensor& stored, const std::string& where) {
  auto tensor = torch::empty(stored.shape, TorchType(stored.type, where));
  std::memcpy(tensor.data_ptr(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

}  // namespace colmatch
