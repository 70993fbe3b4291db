// Threads of the libraries; see single_threaded_math.h.
#include "plugin/workers/single_threaded_math.h"

#include <dlfcn.h>
#include <torch/torch.h>

namespace colmatch {

void SetMathThreads(int threads) {
  torch::set_num_threads(threads);
  // OpenBLAS keeps a pool of its own, which LibTorch does not set: with one thread wanted, its products would
  // still wait for workers that other programs keep from the cores.
  using Setter = void (*)(int);
  if (const auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(threads);
}

SingleThreadedMath::SingleThreadedMath() : threads_before_(torch::get_num_threads()) { SetMathThreads(1); }

SingleThreadedMath::~SingleThreadedMath() { SetMathThreads(threads_before_); }

}  // namespace colmatch
