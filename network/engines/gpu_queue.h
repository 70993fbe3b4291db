// Our own kernels beside LibTorch's, where they are compiled in.
#pragma once

#if defined(COLMATCH_CUDA)

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace colmatch {

// launch(stream) queues kernels on the device's current stream (cudaStream_t) and returns CUDA's error, or
// null. Throws c10::Error as LibTorch does for its own.
template <typename Launch>
void QueueOnGpu(const c10::Device& device, const Launch& launch) {
  const c10::DeviceGuard guard(device);
  const auto stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const char* const error = launch(stream.native_handle());
  TORCH_CHECK(error == nullptr, "CUDA error: ", error);
}

}  // namespace colmatch

#endif
