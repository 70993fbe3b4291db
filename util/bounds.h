// The values that an option takes, declared once beside its field: the check, the error and the documentation
// follow from it.
#pragma once

#include <limits>
#include <optional>
#include <sstream>
#include <string>

#include "util/error.h"

namespace colmatch {

enum class Ends { kClosed, kOpenLow, kOpenHigh };

template <typename T>
struct Bounds {
  T low;
  T high = std::numeric_limits<T>::max();  // this: no upper bound
  const char* unit = "";
  Ends ends = Ends::kClosed;
  std::optional<T> also = {};  // a value outside with a meaning of its own

  static constexpr Bounds Any() { return {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()}; }
  constexpr bool IsAny() const {
    return low == std::numeric_limits<T>::lowest() && high == std::numeric_limits<T>::max();
  }

  // NaN is never contained.
  constexpr bool Contain(T value) const {
    const bool above = ends == Ends::kOpenLow ? value > low : value >= low;
    const bool below = ends == Ends::kOpenHigh ? value < high : value <= high;
    return (above && below) || (also && value == *also);
  }

  // "in [0, 64] pixels", "in (0, 1]", "at least 1".
  std::string Text() const {
    std::ostringstream text;
    if (high == std::numeric_limits<T>::max()) {
      text << "at least " << low;
    } else {
      text << "in " << (ends == Ends::kOpenLow ? '(' : '[') << low << ", " << high
           << (ends == Ends::kOpenHigh ? ')' : ']');
    }
    if (*unit != '\0') text << ' ' << unit;
    if (also) text << ", or " << *also;
    return text.str();
  }

  // Throws UsageError, "NAME must be in [1, 4096], found 0".
  void Require(const std::string& name, T value) const {
    if (!Contain(value)) throw UsageError(name + " must be " + Text() + ", found " + std::to_string(value));
  }
};

}  // namespace colmatch
