// Mixed precision; see mixed_precision.h.
#include "training/losses/mixed_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>
#include <torch/version.h>

namespace colmatch {
namespace {

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
c10::DeviceType TypeOf(bool cuda) { return cuda ? at::kCUDA : at::kCPU; }

bool IsAutocastOn(bool cuda) { return at::autocast::is_autocast_enabled(TypeOf(cuda)); }

void SwitchAutocast(bool cuda, bool on) { at::autocast::set_autocast_enabled(TypeOf(cuda), on); }

void SetAutocastType(bool cuda, at::ScalarType type) { at::autocast::set_autocast_dtype(TypeOf(cuda), type); }
#else
bool IsAutocastOn(bool cuda) { return cuda ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled(); }

void SwitchAutocast(bool cuda, bool on) {
  cuda ? at::autocast::set_enabled(on) : at::autocast::set_cpu_enabled(on);
}

void SetAutocastType(bool cuda, at::ScalarType type) {
  cuda ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
}
#endif

void SetAutocast(bool cuda, bool on, at::ScalarType type) {
  SetAutocastType(cuda, type);
  SwitchAutocast(cuda, on);
}

}  // namespace

AutocastGuard::AutocastGuard(Precision precision, const torch::Device& device)
    : on_(precision != Precision::kFloat32), cuda_(device.is_cuda()) {
  if (!on_) return;
  SetAutocast(cuda_, true, precision == Precision::kBf16 ? at::kBFloat16 : at::kHalf);
}

AutocastGuard::~AutocastGuard() {
  if (!on_) return;
  SetAutocast(cuda_, false, cuda_ ? at::kHalf : at::kBFloat16);  // LibTorch's own defaults
  at::autocast::clear_cache();  // copies of parameters that the optimiser changes now
}

AutocastPause::AutocastPause(const torch::Device& device)
    : cuda_(device.is_cuda()), was_on_(IsAutocastOn(cuda_)) {
  SwitchAutocast(cuda_, false);
}

AutocastPause::~AutocastPause() { SwitchAutocast(cuda_, was_on_); }

bool LossScaler::Update(bool finite) {
  if (!active_) return true;
  if (!finite) {
    scale_ = scale_ / 2;
    good_steps_ = 0;
    return false;
  }
  if (++good_steps_ % kGrowthInterval == 0) scale_ *= 2;
  return true;
}

void LossScaler::Restore(double scale, int good_steps) {
  if (!active_) return;
  scale_ = scale;
  good_steps_ = good_steps;
}

}  // namespace colmatch
