// Peaks; see peaks.h.
#include "network/kernels/peaks.h"

#include <algorithm>

namespace colmatch {
namespace {

struct Candidate {
  int64_t y, x;
  bool survives;
};

// Both ends included, within the map.
struct Window {
  Window(const GreyMap& map, int64_t y, int64_t x, int64_t radius)
      : top(std::max<int64_t>(0, y - radius)),
        bottom(std::min(map.height - 1, y + radius)),
        left(std::max<int64_t>(0, x - radius)),
        right(std::min(map.width - 1, x + radius)) {}
  int64_t top, bottom, left, right;
};

bool IsLargest(const GreyMap& map, int64_t y, int64_t x, int64_t radius) {
  const Window window(map, y, x, radius);
  const float value = map.At(y, x);
  for (int64_t row = window.top; row <= window.bottom; ++row) {
    for (int64_t column = window.left; column <= window.right; ++column) {
      if (map.At(row, column) > value) return false;
    }
  }
  return true;
}

class Suppression {
 public:
  Suppression(const GreyMap& scores, int64_t radius, float threshold)
      : scores_(scores), radius_(radius), near_(static_cast<size_t>(scores.height * scores.width)) {
    for (int64_t y = 0; y < scores.height; ++y) CollectRow(y, threshold);
  }

  std::vector<Peak> Run() {
    for (Candidate& candidate : candidates_) {
      // Most fail beside a direct neighbour.
      candidate.survives = IsLargest(scores_, candidate.y, candidate.x, std::min<int64_t>(radius_, 1)) &&
                           IsLargest(scores_, candidate.y, candidate.x, radius_);
      if (candidate.survives) MarkNear(candidate);
    }
    for (int round = 0; round < 2; ++round) Recover();
    std::vector<Peak> peaks;
    for (const auto& [y, x, survives] : candidates_) {
      if (survives) peaks.push_back({static_cast<int32_t>(x), static_cast<int32_t>(y), scores_.At(y, x)});
    }
    return peaks;
  }

 private:
  void CollectRow(int64_t y, float threshold) {
    constexpr int64_t kBlock = 16;  // compared at once: most have nothing above the threshold
    const float* const row = scores_.values + y * scores_.width;
    for (int64_t begin = 0; begin < scores_.width; begin += kBlock) {
      const int64_t end = std::min(begin + kBlock, scores_.width);
      int any = 0;
      for (int64_t x = begin; x < end; ++x) any |= row[x] > threshold ? 1 : 0;
      for (int64_t x = begin; any != 0 && x < end; ++x) {
        if (row[x] > threshold) candidates_.push_back({y, x, false});
      }
    }
  }

  uint8_t& Near(int64_t y, int64_t x) { return near_[static_cast<size_t>(y * scores_.width + x)]; }

  void MarkNear(const Candidate& survivor) {
    const Window window(scores_, survivor.y, survivor.x, radius_);
    for (int64_t row = window.top; row <= window.bottom; ++row)
      std::fill_n(&Near(row, window.left), window.right - window.left + 1, uint8_t{1});
  }

  bool IsLargestOfRest(const Candidate& candidate) {
    const Window window(scores_, candidate.y, candidate.x, radius_);
    const float value = scores_.At(candidate.y, candidate.x);
    for (int64_t row = window.top; row <= window.bottom; ++row) {
      for (int64_t column = window.left; column <= window.right; ++column) {
        if (scores_.At(row, column) > value && Near(row, column) == 0) return false;
      }
    }
    return true;
  }

  // The maxima of what lies in no survivor's window survive, too.
  void Recover() {
    std::vector<Candidate*> recovered;
    for (Candidate& candidate : candidates_) {
      if (Near(candidate.y, candidate.x) == 0 && IsLargestOfRest(candidate)) recovered.push_back(&candidate);
    }
    for (Candidate* candidate : recovered) {
      candidate->survives = true;
      MarkNear(*candidate);
    }
  }

  GreyMap scores_;
  int64_t radius_;
  std::vector<Candidate> candidates_;
  std::vector<uint8_t> near_;  // 1 in the windows of survivors
};

// From the middle of three values to the top of the parabola through them, at most half a step.
float ParabolaTop(float before, float peak, float after) {
  const float curvature = before - 2 * peak + after;
  if (!(curvature < 0)) return 0;
  return std::clamp(0.5f * (before - after) / std::min(curvature, -1e-20f), -0.5f, 0.5f);
}

}  // namespace

std::vector<Peak> SuppressNonMaxima(const GreyMap& scores, int radius, float threshold) {
  return Suppression(scores, std::max(0, radius), std::max(0.0f, threshold)).Run();
}

void MoveToPeak(const GreyMap& response, int radius, int border, float& x, float& y) {
  const Window window(response, static_cast<int64_t>(y), static_cast<int64_t>(x), radius);
  const int64_t top = std::max<int64_t>(window.top, border), left = std::max<int64_t>(window.left, border);
  const int64_t bottom = std::min(window.bottom, response.height - 1 - border),
                right = std::min(window.right, response.width - 1 - border);
  float best = 0;
  int64_t best_x = 0, best_y = 0;
  for (int64_t row = top; row <= bottom; ++row) {
    for (int64_t column = left; column <= right; ++column) {
      const float value = response.At(row, column);
      if (!(value > best) || !IsLargest(response, row, column, 1)) continue;
      best = value;
      best_x = column;
      best_y = row;
    }
  }
  if (best == 0) return;
  x = static_cast<float>(best_x);
  y = static_cast<float>(best_y);
  if (best_x < 1 || best_y < 1 || best_x > response.width - 2 || best_y > response.height - 2) return;
  x += ParabolaTop(response.At(best_y, best_x - 1), best, response.At(best_y, best_x + 1));
  y += ParabolaTop(response.At(best_y - 1, best_x), best, response.At(best_y + 1, best_x));
}

}  // namespace colmatch
