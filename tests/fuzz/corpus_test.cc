// Every fuzz target without a fuzzer: over its seeds, over what fuzzing has found (findings/TARGET-*), over
// every kind of damage in small. A crash, a hang, or an error that is none of colmatch's fails the test.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

class EveryReader : public testing::TestWithParam<FuzzTarget> {};

TEST_P(EveryReader, AcceptsItsSeeds) {
  const auto seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  for (size_t i = 0; i < seeds.size(); ++i) EXPECT_TRUE(GetParam().run(seeds[i])) << "seed " << i;
}

TEST_P(EveryReader, ComesThroughWhatFuzzingFound) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(COLMATCH_SOURCE_DIR "/tests/fuzz/findings")) {
    if (entry.path().filename().string().rfind(std::string(GetParam().name) + "-", 0) != 0) continue;
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    EXPECT_NO_THROW(GetParam().run(std::string(std::istreambuf_iterator<char>(file), {})));
    ++found;
  }
  if (found == 0) GTEST_SKIP() << "fuzzing has found nothing with this reader yet";
}

TEST_P(EveryReader, ComesThroughTruncations) {
  for (const std::string& seed : GetParam().seeds()) {
    const size_t step = 1 + seed.size() / 200;
    for (size_t size = 0; size < seed.size(); size += step)
      EXPECT_NO_THROW(GetParam().run(std::string_view(seed).substr(0, size))) << size;
  }
}

// Some bytes set at random, to values that are sizes at their limits more often than chance would make them.
TEST_P(EveryReader, ComesThroughDamage) {
  constexpr char kLimits[] = {'\0', '\1', '\x7f', '\x80', '\xff'};
  std::mt19937 rng(5);
  for (const std::string& seed : GetParam().seeds()) {
    for (int round = 0; round < 150; ++round) {
      std::string damaged = seed;
      for (int changes = 1 << rng() % 4; changes > 0; --changes)
        damaged[rng() % damaged.size()] = rng() % 2 == 0 ? kLimits[rng() % 5] : static_cast<char>(rng());
      EXPECT_NO_THROW(GetParam().run(damaged)) << "round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, EveryReader, testing::ValuesIn(FuzzTargets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace colmatch
