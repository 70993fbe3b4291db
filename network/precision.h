// The arithmetic of the networks: its names and which of them a machine computes fast.
#pragma once

#include <c10/core/ScalarType.h>
#include <torch/types.h>

#include <string>

namespace colmatch {

// Inference: kBf16 and, on a GPU only, kFp16 of SuperPoint's convolutions and SuperGlue's layers; kInt8, on
// the CPU only, of the layers' linear maps and attention (SuperPoint in float32). On a CPU without bf16
// instructions SuperPoint in bf16 is refused (EnvironmentError); SuperGlue computes the same, only slower.
// Training: kBf16 and, on a GPU only, kFp16 where autocast holds them safe; parameters stay float32.
enum class Precision { kFloat32, kBf16, kFp16, kInt8 };

// fp32, bf16, fp16, int8: as on the command line and in provenance.
std::string NameOf(Precision precision);

// The fastest of this machine that was shown to match as float32 does (docs/engine.md): bf16 on a CPU with
// bf16 instructions, else float32.
Precision FastestPrecision(const torch::Device& device);
// Of inference: auto (FastestPrecision), fp32, bf16, fp16, int8. Throws UsageError for anything else.
Precision PrecisionFromName(const std::string& name, const torch::Device& device);
// Throws UsageError where the device does not have it: int8 on a GPU, fp16 on the CPU.
void RequireDeviceFor(Precision precision, const torch::Device& device);
// Of training: auto is float32. Throws UsageError for other names than auto, fp32, bf16, fp16, and for fp16
// on the CPU.
Precision TrainingPrecisionFromName(const std::string& name, const torch::Device& device);

// Of SuperPoint, and of SuperGlue on a GPU: kInt8 is nothing to them and counts as float32.
torch::ScalarType ScalarTypeOf(Precision precision);

}  // namespace colmatch
