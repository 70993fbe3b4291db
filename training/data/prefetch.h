// The next batches are prepared while the network works on this one.
#pragma once

#include <cstdint>
#include <deque>
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

// make is a pure function of the batch's number, called from several threads at once where there are several
// workers; so what is prepared ahead is what would be prepared in time.
template <typename Batch>
class Prefetcher {
 public:
  // workers: how many batches are prepared ahead, each in a thread of its own; at least 1.
  Prefetcher(const BatchOrder& order, std::function<Batch(int64_t batch)> make, int workers = 1)
      : order_(order), make_(std::move(make)), workers_(static_cast<size_t>(workers)) {}

  Batch Get(int64_t number) {
    if (order_.fixed) {
      if (!first_.valid()) first_ = std::async(std::launch::deferred, make_, 0).share();
      return first_.get();
    }
    if (ahead_.empty() || ahead_.front().number != number) {
      ahead_.clear();
      Begin(number);
    }
    BeginMore();
    Batch batch = ahead_.front().batch.get();
    const int64_t next = order_.After(number);
    ahead_.pop_front();
    if (ahead_.empty()) Begin(next);
    BeginMore();
    return batch;
  }

 private:
  struct Begun {
    int64_t number;
    std::future<Batch> batch;
  };

  void Begin(int64_t number) { ahead_.push_back({number, std::async(std::launch::async, make_, number)}); }
  void BeginMore() {
    while (ahead_.size() < workers_) Begin(order_.After(ahead_.back().number));
  }

  BatchOrder order_;
  std::function<Batch(int64_t)> make_;
  size_t workers_;
  std::shared_future<Batch> first_;
  std::deque<Begun> ahead_;
};

// take(make(0)) .. take(make(count - 1)), in order and in this thread; `workers` are made ahead.
template <typename Make, typename Take>
void ForEachPrepared(int64_t count, int workers, const Make& make, const Take& take) {
  using Item = decltype(make(int64_t{0}));
  Prefetcher<Item> items(
      {}, [&](int64_t number) { return number < count ? make(number) : Item(); }, workers);
  for (int64_t number = 0; number < count; ++number) take(items.Get(number));
}

}  // namespace colmatch
