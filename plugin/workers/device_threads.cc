// Workers; see device_threads.h.
#include "plugin/workers/device_threads.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <utility>

namespace colmatch {
namespace {

constexpr int kWorkersAGpu = 2;

}  // namespace

std::vector<torch::Device> WorkersOn(const std::vector<torch::Device>& devices, int cpu_workers) {
  if (devices.front().is_cpu()) return {static_cast<size_t>(cpu_workers), devices.front()};
  std::vector<torch::Device> workers;
  for (int i = 0; i < kWorkersAGpu; ++i) workers.insert(workers.end(), devices.begin(), devices.end());
  return workers;
}

DeviceThreads::DeviceThreads(const std::vector<torch::Device>& workers, const Work& begin)
    : size_(workers.size()) {
  if (workers.front().is_cpu()) single_threaded_.emplace();
  if (size_ == 1) {
    begin(0);
    return;
  }
  try {
    Start(workers, begin);
  } catch (...) {
    Stop();
    throw;
  }
}

DeviceThreads::DeviceThreads(int cpu_workers)
    : DeviceThreads(WorkersOn({torch::kCPU}, cpu_workers), [](size_t) {}) {}

DeviceThreads::~DeviceThreads() { Stop(); }

void DeviceThreads::Start(const std::vector<torch::Device>& workers, const Work& begin) {
  std::vector<std::future<void>> all_begun;
  for (size_t i = 0; i < workers.size(); ++i) {
    std::promise<void> begun;
    all_begun.push_back(begun.get_future());
    threads_.emplace_back(&DeviceThreads::Run, this, i, workers[i], std::cref(begin), std::move(begun));
  }
  for (auto& begun : all_begun) begun.get();
}

void DeviceThreads::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DeviceThreads::Run(size_t worker, torch::Device device, const Work& begin, std::promise<void> begun) {
  c10::OptionalStreamGuard stream;
  try {
    if (!device.is_cpu())
      stream.reset_stream(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device));
    begin(worker);
  } catch (...) {
    begun.set_exception(std::current_exception());
    return;
  }
  begun.set_value();
  while (const Work work = Next()) work(worker);
}

DeviceThreads::Work DeviceThreads::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  if (stopping_) return {};
  Work work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

void DeviceThreads::Post(Work work) {
  if (size_ == 1) {
    work(0);
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
}

}  // namespace colmatch
