// Local affine maps; see local_fit.h.
#include "matcher/guidance/local_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "matcher/guidance/local_fit_neighbors.h"
#include "matcher/guidance/point_order.h"
#include "network/kernels/simd.h"

namespace colmatch {
namespace {

constexpr int64_t kMostLanes = 16;

// Floats of a memory that is used again.
float* Room(std::vector<float>& values, int64_t size) {
  simd::GrowTo(values, size);
  return values.data();
}

std::pair<float, float> Extent(const float* values, int64_t count) {
  const auto [least, most] = std::minmax_element(values, values + count);
  return {*least, *most};
}

// Points in groups of neighbours, the last group filled up with the last point.
struct SortedPoints {
  int64_t stride = 0;  // points, rounded up to whole vectors
  std::vector<float> x, y;
  std::vector<int32_t> owner;                   // index of the point; -1 where filled up
  std::vector<float> left, right, top, bottom;  // of each group's box

  void Set(const float* points, int64_t n) {
    stride = (n + kMostLanes - 1) / kMostLanes * kMostLanes;
    own_x_.resize(static_cast<size_t>(n));
    own_y_.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      own_x_[static_cast<size_t>(i)] = points[2 * i];
      own_y_[static_cast<size_t>(i)] = points[2 * i + 1];
    }
    order_.Sort(own_x_.data(), own_y_.data(), n, kMostLanes);
    owner.assign(order_.order().begin(), order_.order().end());
    owner.resize(static_cast<size_t>(stride), -1);
    x.resize(owner.size());
    y.resize(owner.size());
    for (size_t s = 0; s < owner.size(); ++s) {
      const auto i =
          static_cast<size_t>(s < static_cast<size_t>(n) ? owner[s] : owner[static_cast<size_t>(n - 1)]);
      x[s] = own_x_[i];
      y[s] = own_y_[i];
    }
    for (auto* values : {&left, &right, &top, &bottom}) values->resize(owner.size() / kMostLanes);
    for (size_t g = 0; g < left.size(); ++g) {
      std::tie(left[g], right[g]) = Extent(x.data() + g * kMostLanes, kMostLanes);
      std::tie(top[g], bottom[g]) = Extent(y.data() + g * kMostLanes, kMostLanes);
    }
  }

 private:
  PointOrder order_;
  std::vector<float> own_x_, own_y_;
};

// Matches in blocks of neighbours in image 0, with the boxes of the blocks.
struct SortedMatches {
  static constexpr int64_t kBlock = 8;
  std::vector<float> x0, y0, x1, y1, weight;
  std::vector<int32_t> owner, index;  // index: among the matches
  std::vector<float> left, right, top, bottom;
  float reach = 1;  // about half a block's side, pixels

  int64_t size() const { return static_cast<int64_t>(index.size()); }

  void Set(const std::vector<PointMatch>& matches) {
    const size_t n = matches.size(), blocks = (n + kBlock - 1) / kBlock;
    for (auto* values : {&x0, &y0, &x1, &y1, &weight}) values->resize(n);
    for (auto* values : {&left, &right, &top, &bottom}) values->resize(blocks);
    for (size_t i = 0; i < n; ++i) {
      x0[i] = matches[i].x0;
      y0[i] = matches[i].y0;
    }
    order_.Sort(x0.data(), y0.data(), static_cast<int64_t>(n), kBlock);
    index.assign(order_.order().begin(), order_.order().end());
    owner.resize(n);
    for (size_t s = 0; s < n; ++s) {
      const PointMatch& match = matches[static_cast<size_t>(index[s])];
      x0[s] = match.x0;
      y0[s] = match.y0;
      x1[s] = match.x1;
      y1[s] = match.y1;
      weight[s] = match.weight;
      owner[s] = static_cast<int32_t>(match.owner);
    }
    for (size_t b = 0; b < blocks; ++b) {
      const auto begin = static_cast<int64_t>(b) * kBlock, end = std::min(begin + kBlock, size());
      std::tie(left[b], right[b]) = Extent(x0.data() + begin, end - begin);
      std::tie(top[b], bottom[b]) = Extent(y0.data() + begin, end - begin);
    }
    const auto span = [&](const std::vector<float>& from, const std::vector<float>& to) {
      return *std::max_element(to.begin(), to.end()) - *std::min_element(from.begin(), from.end());
    };
    const float side = std::max(span(left, right), span(top, bottom)) / std::sqrt(static_cast<float>(blocks));
    reach = std::max(side / 2, 1e-3f);
  }

 private:
  PointOrder order_;
};

// What a thread's fits are computed in.
struct FitMemory {
  SortedPoints points;
  SortedMatches matches;
  std::vector<float> dx, dy, x, y, weight, origin_x, origin_y;  // of the neighbours, see NeighborLanes
  std::vector<float> box_distance2, near;
  FittedPlaces sorted;
};

}  // namespace
}  // namespace colmatch

#define COLMATCH_KERNEL "matcher/guidance/local_fit-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

FittedPlaces FitPlacesWith(int lanes, const float* points, int64_t n, const std::vector<PointMatch>& matches,
                           const LocalFitOptions& options) {
  FittedPlaces places;
  const auto resize = [](FittedPlaces& of, int64_t size) {
    for (auto* values : {&of.x, &of.y, &of.precision}) values->resize(static_cast<size_t>(size));
  };
  resize(places, n);
  if (n == 0 || matches.empty()) return places;
  thread_local FitMemory memory;
  memory.points.Set(points, n);
  memory.matches.Set(matches);
  resize(memory.sorted, memory.points.stride);
  simd::ForLanes(lanes, x4::FitAll, x8::FitAll, x16::FitAll)(memory, options);
  for (int64_t s = 0; s < n; ++s) {
    const auto from = static_cast<size_t>(s), to = static_cast<size_t>(memory.points.owner[from]);
    places.x[to] = memory.sorted.x[from];
    places.y[to] = memory.sorted.y[from];
    places.precision[to] = memory.sorted.precision[from];
  }
  return places;
}

FittedPlaces FitPlaces(const float* points, int64_t n, const std::vector<PointMatch>& matches,
                       const LocalFitOptions& options) {
  static const int lanes = simd::BestLanes();
  return FitPlacesWith(lanes, points, n, matches, options);
}

void GuideRowWith(int lanes, const float* scores, const GuidedRow& row, const GuidedColumns& columns,
                  const GuidanceStrength& strength, float* guided) {
  simd::ForLanes(lanes, x4::GuideRow, x8::GuideRow, x16::GuideRow)(scores, row, columns, strength, guided);
}

void GuideRow(const float* scores, const GuidedRow& row, const GuidedColumns& columns,
              const GuidanceStrength& strength, float* guided) {
  static const int lanes = simd::BestLanes();
  GuideRowWith(lanes, scores, row, columns, strength, guided);
}

void GuideListedWith(int lanes, const float* scores, const int32_t* listed, int64_t count,
                     const GuidedRow& row, const GuidedColumns& columns, const GuidanceStrength& strength,
                     float* guided) {
  simd::ForLanes(lanes, x4::GuideListed, x8::GuideListed, x16::GuideListed)(scores, listed, count, row,
                                                                            columns, strength, guided);
}

void GuideListed(const float* scores, const int32_t* listed, int64_t count, const GuidedRow& row,
                 const GuidedColumns& columns, const GuidanceStrength& strength, float* guided) {
  static const int lanes = simd::BestLanes();
  GuideListedWith(lanes, scores, listed, count, row, columns, strength, guided);
}

void AddRaised(const PlacedPoints& from, const PlacedPoints& to, float bonus, float each, float* of_from,
               float* of_to) {
  static const int lanes = simd::BestLanes();
  thread_local FitMemory memory;
  const auto m = static_cast<int64_t>(to.places.x.size());
  memory.points.Set(to.xy, m);
  memory.near.assign(static_cast<size_t>(memory.points.stride), 0.0f);
  simd::ForLanes(lanes, x4::AddRaised, x8::AddRaised, x16::AddRaised)(from, to, memory.points, bonus, each,
                                                                      of_from, memory.near.data());
  for (int64_t s = 0; s < m; ++s)
    of_to[memory.points.owner[static_cast<size_t>(s)]] += memory.near[static_cast<size_t>(s)];
}

}  // namespace colmatch
