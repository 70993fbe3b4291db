// Engines (matchers, extractors) that work side by side, each in a thread of its own on its device.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "plugin/workers/device_threads.h"

namespace colmatch {

// One engine a worker of DeviceThreads. Made, called and destroyed by one thread.
template <typename Engine>
class EnginePool {
 public:
  // make is called in the threads, in all at once, and is not kept; what it throws comes through.
  using Make = std::function<std::unique_ptr<Engine>(torch::Device)>;

  EnginePool(const std::vector<torch::Device>& workers, const Make& make)
      : engines_(workers.size()), threads_(workers, [&](size_t i) { engines_[i] = make(workers[i]); }) {}

  size_t size() const { return engines_.size(); }
  // For what is the same of all engines, and may be asked while they work.
  const Engine& front() const { return *engines_.front(); }
  DeviceThreads& threads() { return threads_; }

  // work is called with an engine that is free, in its thread, begun in the order of the calls. What it
  // returns or throws is in the future; std::future_error where the pool ended before it was begun.
  template <typename Work>
  auto Submit(Work work) {
    using Result = std::invoke_result_t<Work, Engine&>;
    const auto task = std::make_shared<std::packaged_task<Result(Engine&)>>(std::move(work));
    auto result = task->get_future();
    threads_.Post([this, task](size_t worker) { (*task)(*engines_[worker]); });
    return result;
  }

 private:
  std::vector<std::unique_ptr<Engine>> engines_;
  DeviceThreads threads_;  // ends before the engines do
};

}  // namespace colmatch
