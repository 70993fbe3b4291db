// Threads that compute on devices, side by side in one process.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "plugin/workers/single_threaded_math.h"

namespace colmatch {

// The device of each worker: cpu_workers times the CPU, or each GPU twice, so that what one of its workers
// does on the CPU, and its copies, go on beside the other's kernels. Neighbours are of different GPUs.
std::vector<torch::Device> WorkersOn(const std::vector<torch::Device>& devices, int cpu_workers);

// A thread for each worker; on a GPU each has a stream of its own, which is the current one in its thread. On
// the CPU each computes alone (SingleThreadedMath), so that results do not depend on the number of workers. A
// single worker is the thread that makes and calls this object: nothing is started, everything is done at
// once. Made, called and destroyed by one thread.
class DeviceThreads {
 public:
  using Work = std::function<void(size_t worker)>;

  // begin comes first in each worker, in all of them at once, and is waited for. What it throws comes through
  // (of the first worker that failed), once every thread has ended.
  DeviceThreads(const std::vector<torch::Device>& workers, const Work& begin);
  // Workers on the CPU that need nothing to begin.
  explicit DeviceThreads(int cpu_workers);
  // Work that was not begun is dropped, what is being done is waited for.
  ~DeviceThreads();
  DeviceThreads(const DeviceThreads&) = delete;
  DeviceThreads& operator=(const DeviceThreads&) = delete;

  size_t size() const { return size_; }
  // Begun in the order of the calls, by whichever worker is free. It must not throw.
  void Post(Work work);
  // The same with a result: what `work()` returns or throws is in the future; std::future_error where this
  // ended before it was begun.
  template <typename Task>
  auto Submit(Task work) {
    using Result = std::invoke_result_t<Task>;
    const auto task = std::make_shared<std::packaged_task<Result()>>(std::move(work));
    auto result = task->get_future();
    Post([task](size_t) { (*task)(); });
    return result;
  }

 private:
  void Start(const std::vector<torch::Device>& workers, const Work& begin);
  void Stop();
  void Run(size_t worker, torch::Device device, const Work& begin, std::promise<void> begun);
  Work Next();  // empty: there will be no more

  size_t size_;
  std::optional<SingleThreadedMath> single_threaded_;  // on the CPU
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  bool stopping_ = false;
};

}  // namespace colmatch
