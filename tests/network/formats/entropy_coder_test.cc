// Tests of the entropy coder: what goes in comes out, at the size information theory allows; damage is
// refused.
#include "network/formats/entropy_coder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/test_seed.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::vector<uint8_t> Draw(std::mt19937& random, const std::vector<double>& weights, size_t count) {
  std::discrete_distribution<int> draw(weights.begin(), weights.end());
  std::vector<uint8_t> symbols(count);
  for (uint8_t& s : symbols) s = static_cast<uint8_t>(draw(random));
  return symbols;
}

double Entropy(const std::vector<uint8_t>& symbols) {
  std::vector<double> counts(256);
  for (const uint8_t s : symbols) ++counts[s];
  double bits = 0;
  for (const double n : counts) {
    if (n > 0) bits -= n * std::log2(n / static_cast<double>(symbols.size()));
  }
  return bits;
}

TEST(EntropyCoder, GivesBackWhatItTook) {
  std::mt19937& random = TestRng();
  for (const size_t count : {0u, 1u, 2u, 7u, 100u, 5000u}) {
    for (const size_t alphabet : {1u, 2u, 3u, 16u, 256u}) {
      std::vector<double> weights(alphabet);
      for (double& w : weights) w = std::pow(std::uniform_real_distribution<>(0, 1)(random), 8);
      weights[0] += 1e-3;
      const auto symbols = Draw(random, weights, count);
      EXPECT_EQ(DecodeSymbols(EncodeSymbols(symbols), count, "x"), symbols) << count << ' ' << alphabet;
    }
  }
}

TEST(EntropyCoder, IsWithinTwoPercentOfTheEntropy) {
  std::mt19937& random = TestRng();
  for (const auto& weights : {std::vector<double>{9, 1}, {1, 1, 1, 1}, {100, 10, 5, 1, 1, 50, 3, 2}}) {
    const auto symbols = Draw(random, weights, 40000);
    const double table = 2 + 3.0 * static_cast<double>(weights.size()) + 4;
    EXPECT_LT(8.0 * (static_cast<double>(EncodeSymbols(symbols).size()) - table), 1.02 * Entropy(symbols));
  }
}

TEST(EntropyCoder, ARepeatedSymbolTakesNoSpaceBesideTheTable) {
  EXPECT_EQ(EncodeSymbols(std::vector<uint8_t>(100000, 7)).size(), 9u);
}

TEST(EntropyCoder, MessagesThatAreCutOrLengthenedAreRefused) {
  std::mt19937& random = TestRng();
  const auto symbols = Draw(random, {1, 2, 3, 4}, 500);
  const std::string message = EncodeSymbols(symbols);
  for (size_t size = 0; size < message.size(); ++size)
    EXPECT_THROW(DecodeSymbols(message.substr(0, size), 500, "x"), WeightsError) << size;
  EXPECT_THROW(DecodeSymbols(message + 'a', 500, "x"), WeightsError);
  EXPECT_THROW(DecodeSymbols(message, 499, "x"), WeightsError);
  EXPECT_THROW(DecodeSymbols(message, 501, "x"), WeightsError);
}

TEST(EntropyCoder, AnyBytesAreDecodedOrRefused) {
  std::mt19937& random = TestRng();
  const std::string message = EncodeSymbols(Draw(random, {1, 5, 3, 9}, 300));
  for (int trial = 0; trial < 20000; ++trial) {
    std::string damaged = message;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      EXPECT_EQ(DecodeSymbols(damaged, 300, "x").size(), 300u);
    } catch (const WeightsError&) {
    }
  }
}

}  // namespace
}  // namespace colmatch
