// Values that several threads need and one makes.
#include "plugin/workers/shared_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace colmatch {
namespace {

TEST(SharedCache, MakesAValueOnceForAllThreads) {
  constexpr int kThreads = 8, kKeys = 50;
  SharedCache<int, int> cache(kKeys);
  std::atomic<int> made{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int key = 0; key < kKeys; ++key) {
        const auto value = cache.Get(key, [&] {
          ++made;
          std::this_thread::yield();
          return key * key;
        });
        if (*value != key * key) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, kKeys);
  EXPECT_EQ(wrong, 0);
}

TEST(SharedCache, ForgetsTheValueThatWasUsedLeastRecently) {
  SharedCache<int, int> cache(2);
  int made = 0;
  const auto get = [&](int key) { return *cache.Get(key, [&] { return ++made; }); };
  EXPECT_EQ(get(1), 1);
  EXPECT_EQ(get(2), 2);
  EXPECT_EQ(get(1), 1);
  EXPECT_EQ(get(3), 3);  // in place of 2
  EXPECT_EQ(get(1), 1);
  EXPECT_EQ(get(2), 4);
}

TEST(SharedCache, TriesAgainAfterAnError) {
  SharedCache<int, int> cache(2);
  EXPECT_THROW(cache.Get(1, []() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(*cache.Get(1, [] { return 5; }), 5);
}

}  // namespace
}  // namespace colmatch
