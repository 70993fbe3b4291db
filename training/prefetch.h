// The next batch is prepared while the network works on this one.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <utility>

namespace colmatch {

// Which batches a process takes, one after the other: `own` in a row of every step's `per_step`.
struct BatchOrder {
  int64_t per_step = 1, own = 1;
  bool fixed = false;  // always the first batch again: a training that waits for no data, to measure by

  int64_t After(int64_t batch) const {
    return (batch + 1) % own == 0 ? batch + 1 + per_step - own : batch + 1;
  }
};

// make is a pure function of the batch's number, so what is prepared ahead is what would be prepared in time.
template <typename Batch>
class Prefetcher {
 public:
  Prefetcher(const BatchOrder& order, std::function<Batch(int64_t batch)> make)
      : order_(order), make_(std::move(make)) {}

  Batch Get(int64_t number) {
    if (order_.fixed) {
      if (!next_.valid()) next_ = std::async(std::launch::deferred, make_, 0).share();
      return next_.get();
    }
    Batch batch = next_.valid() && next_number_ == number ? next_.get() : make_(number);
    next_number_ = order_.After(number);
    next_ = std::async(std::launch::async, make_, next_number_).share();
    return batch;
  }

 private:
  BatchOrder order_;
  std::function<Batch(int64_t)> make_;
  std::shared_future<Batch> next_;
  int64_t next_number_ = -1;
};

}  // namespace colmatch
