// Random numbers that are a pure function of (seed, step, index), so that resuming needs no generator state
// and the order in which threads prepare samples does not matter.
#pragma once

#include <cmath>
#include <cstdint>

namespace colmatch {

// SplitMix64 (Steele, Lea, Flood 2014): small, seedable from any 64 bits, the same on every platform.
class Rng {
 public:
  Rng(uint64_t seed, uint64_t step, uint64_t index) : state_(seed) {
    state_ = Next() ^ (step * 0x9E3779B97F4A7C15ull);
    state_ = Next() ^ (index * 0xBF58476D1CE4E5B9ull);
  }

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  // In [0, n), n > 0.
  int64_t Below(int64_t n) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(n)); }
  bool Chance(double probability) { return Uniform() < probability; }
  // Standard normal, Box-Muller.
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }

 private:
  uint64_t state_;
};

}  // namespace colmatch
