// Results that threads come to in any order, handed back in the order in which they were requested.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <utility>

#include "plugin/runtime/trace.h"

namespace colmatch {

// One thread at a time.
template <typename Result>
class InOrder {
 public:
  using Then = std::function<void(Result)>;

  // most_waiting: results that may be outstanding. wait_stage: of a TraceSpan, a literal.
  InOrder(size_t most_waiting, const char* wait_stage)
      : most_waiting_(most_waiting), wait_stage_(wait_stage) {}

  // `then` is called with the result during this or a later Add() or Finish(), as soon as all before it were
  // handed back. What the result's future or `then` throws comes through there, in the place of that result,
  // and whatever was requested after it is forgotten.
  void Add(std::future<Result> result, Then then) {
    pending_.push_back({std::move(result), std::move(then)});
    while (!pending_.empty() && (pending_.size() > most_waiting_ || IsReady(pending_.front().result)))
      HandBackOldest();
  }
  void Finish() {
    while (!pending_.empty()) HandBackOldest();
  }

 private:
  struct Pending {
    std::future<Result> result;
    Then then;
  };

  static bool IsReady(const std::future<Result>& result) {
    return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  void HandBackOldest() {
    Pending oldest = std::move(pending_.front());
    pending_.pop_front();
    try {
      oldest.then(OldestResult(oldest.result));
    } catch (...) {
      pending_.clear();
      throw;
    }
  }
  Result OldestResult(std::future<Result>& result) const {
    if (IsReady(result)) return result.get();
    const TraceSpan span(wait_stage_);
    return result.get();
  }

  size_t most_waiting_;
  const char* wait_stage_;
  std::deque<Pending> pending_;
};

}  // namespace colmatch
