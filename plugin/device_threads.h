// Threads that compute on devices, side by side in one process.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace colmatch {

// A worker for each entry: the CPU once, each GPU twice, so that what one of its workers does on the CPU, and
// its copies, go on beside the other's kernels. Neighbours are of different GPUs.
std::vector<torch::Device> WorkersOn(const std::vector<torch::Device>& devices);

// A thread for each worker; on a GPU each has a stream of its own, which is the current one in its thread. A
// single worker is the thread that makes and calls this object: nothing is started, everything is done at
// once. Made, called and destroyed by one thread.
class DeviceThreads {
 public:
  using Work = std::function<void(size_t worker)>;

  // begin comes first in each worker, in all of them at once, and is waited for. What it throws comes through
  // (of the first worker that failed), once every thread has ended.
  DeviceThreads(const std::vector<torch::Device>& workers, const Work& begin);
  // Work that was not begun is dropped, what is being done is waited for.
  ~DeviceThreads();
  DeviceThreads(const DeviceThreads&) = delete;
  DeviceThreads& operator=(const DeviceThreads&) = delete;

  size_t size() const { return size_; }
  // Begun in the order of the calls, by whichever worker is free. It must not throw.
  void Post(Work work);

 private:
  void Start(const std::vector<torch::Device>& workers, const Work& begin);
  void Stop();
  void Run(size_t worker, torch::Device device, const Work& begin, std::promise<void> begun);
  Work Next();  // empty: there will be no more

  size_t size_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  bool stopping_ = false;
};

}  // namespace colmatch
