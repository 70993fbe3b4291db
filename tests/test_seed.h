// Seeding shared by all tests; programs that link LibTorch also reseed it (tests/torch_seed.cc).
#pragma once

#include <functional>
#include <random>

namespace colmatch {

inline constexpr unsigned kTestSeed = 20260101;

// The tests' own generator.
inline std::mt19937& TestRng() {
  static std::mt19937 rng(kTestSeed);
  return rng;
}

// Hooks run before each test, e.g. torch::manual_seed.
inline std::function<void()>& ReseedHook() {
  static std::function<void()> hook;
  return hook;
}

inline void ReseedForTest() {
  TestRng().seed(kTestSeed);
  if (ReseedHook()) ReseedHook()();
}

}  // namespace colmatch
