// The values used last, made once for all threads that need them.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include "util/lru_cache.h"

namespace colmatch {

// Holds at most `capacity` values. Any thread.
template <typename Key, typename Value>
class SharedCache {
 public:
  explicit SharedCache(size_t capacity) : values_(capacity) {}

  // The first thread that asks for a key calls make(), the others wait for it. What make() throws comes to
  // all of them, and the key is tried again the next time.
  template <typename Make>
  std::shared_ptr<const Value> Get(const Key& key, const Make& make) {
    std::promise<std::shared_ptr<const Value>> promise;
    bool is_first = false;
    Future future;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      future = *values_.Get(key, [&] {
        is_first = true;
        return promise.get_future().share();
      });
    }
    if (is_first) Fulfil(key, promise, make);
    return future.get();
  }

 private:
  using Future = std::shared_future<std::shared_ptr<const Value>>;

  template <typename Make>
  void Fulfil(const Key& key, std::promise<std::shared_ptr<const Value>>& promise, const Make& make) {
    try {
      promise.set_value(std::make_shared<const Value>(make()));
    } catch (...) {
      promise.set_exception(std::current_exception());
      const std::lock_guard<std::mutex> lock(mutex_);
      values_.Remove(key);
    }
  }

  std::mutex mutex_;
  LruCache<Key, Future> values_;
};

}  // namespace colmatch
