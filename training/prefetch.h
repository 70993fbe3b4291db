// The next batch is prepared while the network works on this one.
#pragma once

#include <cstdint>
#include <functional>
#include <future>

namespace colmatch {

// make is a pure function of the step, so what is prepared ahead is what would be prepared in time.
template <typename Batch>
class Prefetcher {
 public:
  explicit Prefetcher(std::function<Batch(int64_t step)> make) : make_(std::move(make)) {}

  Batch Get(int64_t step) {
    Batch batch = next_.valid() && next_step_ == step ? next_.get() : make_(step);
    next_step_ = step + 1;
    next_ = std::async(std::launch::async, make_, next_step_);
    return batch;
  }

 private:
  std::function<Batch(int64_t)> make_;
  std::future<Batch> next_;
  int64_t next_step_ = -1;
};

}  // namespace colmatch
