// The precisions in which the networks compute: their names, and the one that is fastest on a machine.
#pragma once

#include <c10/core/ScalarType.h>
#include <torch/types.h>

#include <string>

namespace colmatch {

// Inference: kBf16 and kFp16 apply to SuperPoint's convolutions and SuperGlue's layers; kFp16 needs a GPU.
// kInt8 applies to the linear maps and the attention of SuperGlue's layers, on the CPU only; SuperPoint is
// then in float32. On a CPU without bf16 instructions SuperPoint in bf16 is refused (EnvironmentError), while
// SuperGlue computes the same result more slowly.
// Training: kBf16, and kFp16 on a GPU, apply where autocast considers them safe; parameters stay float32.
enum class Precision { kFloat32, kBf16, kFp16, kInt8 };

// fp32, bf16, fp16 or int8, as on the command line and in provenance.
std::string NameOf(Precision precision);

// The fastest precision on this device whose matches were shown to agree with float32 (docs/engine.md): bf16
// on a CPU with bf16 instructions, else float32.
Precision FastestPrecision(const torch::Device& device);
// For inference: auto (FastestPrecision), fp32, bf16, fp16, int8. Throws UsageError for any other name.
Precision PrecisionFromName(const std::string& name, const torch::Device& device);
// Throws UsageError if the device does not support the precision: int8 on a GPU, fp16 on the CPU.
void RequireDeviceFor(Precision precision, const torch::Device& device);
// For training: auto is float32. Throws UsageError for names other than auto, fp32, bf16, fp16, and for fp16
// on the CPU.
Precision TrainingPrecisionFromName(const std::string& name, const torch::Device& device);

// The type used by SuperPoint, and by SuperGlue on a GPU. Neither supports kInt8, so kInt8 gives float32.
torch::ScalarType ScalarTypeOf(Precision precision);

}  // namespace colmatch
