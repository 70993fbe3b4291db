// Launches colmatch's own CUDA kernels in LibTorch's stream, in builds that contain them.
#pragma once

#if defined(COLMATCH_CUDA)

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace colmatch {

// Calls launch(stream) with the device's current stream (cudaStream_t). launch queues kernels and returns
// CUDA's error message, or null. Throws c10::Error for an error, like LibTorch for its own kernels.
template <typename Launch>
void QueueOnGpu(const c10::Device& device, const Launch& launch) {
  const c10::DeviceGuard guard(device);
  const auto stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const char* const error = launch(stream.native_handle());
  TORCH_CHECK(error == nullptr, "CUDA error: ", error);
}

}  // namespace colmatch

#endif
