// CUDA's kernel language on the CPU, for tests of kernels where there is no GPU: a block's threads are
// fibers, which take turns at barriers and shuffles; blocks run one after the other. Include it before a
// kernel's -inl.h file, which sees __global__, threadIdx, __syncthreads and the like as nvcc gives them.
// A barrier that only some threads reach, undefined on a GPU, throws std::logic_error.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "network/kernels/simd_target.h"

struct dim3 {
  unsigned int x = 1, y = 1, z = 1;
  dim3(unsigned int x0 = 1, unsigned int y0 = 1, unsigned int z0 = 1) : x(x0), y(y0), z(z0) {}
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace colmatch::cuda_on_cpu {

// All threads of a block, or of a warp, wait for one another.
struct Barrier {
  int size = 0, arrived = 0;
  int line = 0;  // where the first of them waits
  uint64_t generation = 0;
};

class Block {
 public:
  // threads: a multiple of 32.
  Block(int threads, const std::function<void()>& kernel)
      : kernel_(kernel),
        fibers_(static_cast<size_t>(threads)),
        lanes_{std::vector<uint64_t>(fibers_.size()), std::vector<uint64_t>(fibers_.size())} {
    all_.size = threads;
    warps_.resize(static_cast<size_t>(threads / 32));
    for (Barrier& warp : warps_) warp.size = 32;
  }

  void Run() {
    current_ = this;
    for (Fiber& fiber : fibers_) Start(fiber);
    for (size_t left = fibers_.size(); left > 0;) {
      const uint64_t before = steps_;
      left = 0;
      for (now_ = 0; now_ < fibers_.size(); ++now_) {
        if (fibers_[now_].done) continue;
        Resume(fibers_[now_]);
        if (fibers_[now_].error) std::rethrow_exception(fibers_[now_].error);
        left += fibers_[now_].done ? 0 : 1;
      }
      if (left > 0 && steps_ == before)
        throw std::logic_error("some threads of the block wait at a barrier that others never reach");
    }
  }

  static Block& Current() { return *current_; }

  void WaitForBlock(int line) { Wait(all_, line); }

  // What the lane lane_mask away gives.
  template <typename T>
  T FromLane(T value, unsigned int lane_mask, int line) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    Barrier& warp = warps_[now_ / 32];
    std::vector<uint64_t>& lanes = lanes_[warp.generation % 2];  // the next exchange is another one's
    std::memcpy(&lanes[now_], &value, sizeof value);
    const size_t self = now_;
    Wait(warp, line);
    T received;
    std::memcpy(&received, &lanes[self ^ lane_mask], sizeof received);
    return received;
  }

 private:
  struct Fiber {
    ucontext_t context{};  // where it starts
    jmp_buf place;         // where it goes on
    bool started = false;
    std::unique_ptr<char[]> stack;
    bool done = false;
    std::exception_ptr error;
  };

  void Start(Fiber& fiber) {
    constexpr size_t kStack = 64 * 1024;
    fiber.stack.reset(new char[kStack]);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    makecontext(&fiber.context, Enter, 0);
  }

  static void Enter() {
    Block& block = Current();
    const size_t thread = block.now_;
    try {
      block.kernel_();
    } catch (...) {
      block.fibers_[thread].error = std::current_exception();
    }
    block.fibers_[thread].done = true;
    ++block.steps_;
    _longjmp(block.scheduler_, 1);
  }

  // swapcontext would ask the kernel for the signals' mask each time.
  void Resume(Fiber& fiber) {
    threadIdx = dim3(static_cast<unsigned int>(now_));
    if (_setjmp(scheduler_) != 0) return;
    if (fiber.started) _longjmp(fiber.place, 1);
    fiber.started = true;
    setcontext(&fiber.context);
  }

  void Wait(Barrier& barrier, int line) {
    if (barrier.arrived == 0) barrier.line = line;
    if (barrier.line != line) throw std::logic_error("threads wait at different barriers");
    ++steps_;
    const uint64_t generation = barrier.generation;
    if (++barrier.arrived == barrier.size) {
      barrier.arrived = 0;
      ++barrier.generation;
      return;
    }
    while (barrier.generation == generation) {
      if (_setjmp(fibers_[now_].place) == 0) _longjmp(scheduler_, 1);
    }
  }

  static inline Block* current_ = nullptr;
  const std::function<void()>& kernel_;
  std::vector<Fiber> fibers_;
  std::vector<uint64_t> lanes_[2];  // what each thread gives away
  Barrier all_;
  std::vector<Barrier> warps_;
  jmp_buf scheduler_;
  size_t now_ = 0;      // the running thread
  uint64_t steps_ = 0;  // threads that arrived anywhere or ended
};

// kernel<<<grid, threads>>>(arguments...)
template <typename Kernel, typename... Arguments>
void Launch(Kernel kernel, dim3 grid, int threads, const Arguments&... arguments) {
  gridDim = grid;
  blockDim = dim3(static_cast<unsigned int>(threads));
  const std::function<void()> call = [&] { kernel(arguments...); };
  for (unsigned int y = 0; y < grid.y; ++y) {
    for (unsigned int x = 0; x < grid.x; ++x) {
      blockIdx = dim3(x, y);
      Block(threads, call).Run();
    }
  }
}

}  // namespace colmatch::cuda_on_cpu

#define __global__
#define __host__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)
#define __syncthreads() colmatch::cuda_on_cpu::Block::Current().WaitForBlock(__LINE__)
#define __shfl_xor_sync(mask, value, lane_mask) \
  colmatch::cuda_on_cpu::Block::Current().FromLane(value, static_cast<unsigned int>(lane_mask), __LINE__)
