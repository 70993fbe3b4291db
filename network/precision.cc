// Names of precisions; see precision.h.
#include "network/precision.h"

#include "network/kernels/bf16.h"
#include "util/error.h"

namespace colmatch {

void RequireDeviceFor(Precision precision, const torch::Device& device) {
  if (precision == Precision::kInt8 && !device.is_cpu())
    throw UsageError("--precision int8 computes on the CPU: add --device cpu");
  if (precision == Precision::kFp16 && device.is_cpu())
    throw UsageError("--precision fp16 computes on a GPU, and the device is the CPU: use bf16 or fp32");
}

Precision FastestPrecision(const torch::Device& device) {
  return device.is_cpu() && HasBf16Instructions() ? Precision::kBf16 : Precision::kFloat32;
}

Precision PrecisionFromName(const std::string& name, const torch::Device& device) {
  if (name == "auto") return FastestPrecision(device);
  if (name == "fp32") return Precision::kFloat32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "int8") return Precision::kInt8;
  throw UsageError("--precision must be auto, fp32, bf16, fp16 or int8, found " + name);
}

std::string NameOf(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return "bf16";
    case Precision::kFp16:
      return "fp16";
    case Precision::kInt8:
      return "int8";
    case Precision::kFloat32:
      break;
  }
  return "fp32";
}

torch::ScalarType ScalarTypeOf(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return torch::kBFloat16;
    case Precision::kFp16:
      return torch::kHalf;
    case Precision::kFloat32:
    case Precision::kInt8:
      break;
  }
  return torch::kFloat;
}

Precision TrainingPrecisionFromName(const std::string& name, const torch::Device& device) {
  if (name == "auto" || name == "fp32") return Precision::kFloat32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") {
    if (device.is_cpu()) throw UsageError("--precision fp16 needs a GPU; on the CPU there is bf16 and fp32");
    return Precision::kFp16;
  }
  throw UsageError("--precision " + name + ": training has auto, fp32, bf16 and fp16");
}

}  // namespace colmatch
