// The cache of what was used last.
#include "util/lru_cache.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace colmatch {
namespace {

TEST(LruCache, MakesAValueOnceAndForgetsTheOneUnusedLongest) {
  LruCache<int, int> cache(2);
  int made = 0;
  const auto get = [&](int key) { return *cache.Get(key, [&] { return ++made, 10 * key; }); };
  EXPECT_EQ(get(1), 10);
  EXPECT_EQ(get(2), 20);
  EXPECT_EQ(get(1), 10);
  EXPECT_EQ(made, 2);
  get(3);  // 2 goes
  get(1);
  EXPECT_EQ(made, 3);
  get(2);
  EXPECT_EQ(made, 4);
}

TEST(LruCache, AValueInUseOutlivesItsPlace) {
  LruCache<int, int> cache(1);
  const auto first = cache.Get(1, [] { return 10; });
  cache.Get(2, [] { return 20; });
  EXPECT_EQ(*first, 10);
}

TEST(LruCache, WhatCouldNotBeMadeIsNotRemembered) {
  LruCache<int, int> cache(2);
  EXPECT_THROW(cache.Get(1, []() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(*cache.Get(1, [] { return 10; }), 10);
}

}  // namespace
}  // namespace colmatch
