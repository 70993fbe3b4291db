// Local affine maps for vectors of one width; see local_fit.h and foreach_simd.h.

#include "matcher/guidance/local_fit_lanes-inl.h"
#include "matcher/guidance/local_fit_search-inl.h"

inline void FitAll(FitMemory& memory, const LocalFitOptions& options) {
  const SortedPoints& points = memory.points;
  const int count = std::min(options.num_neighbors, kMostNeighbors);
  const NeighborLanes lanes = {count,
                               kLanes,
                               Room(memory.dx, count * kLanes),
                               Room(memory.dy, count * kLanes),
                               Room(memory.x, count * kLanes),
                               Room(memory.y, count * kLanes),
                               Room(memory.weight, count * kLanes),
                               Room(memory.origin_x, kLanes),
                               Room(memory.origin_y, kLanes)};
  float* const box_distance2 = Room(memory.box_distance2, static_cast<int64_t>(memory.matches.left.size()));
  for (int64_t i = 0; i < points.stride; i += kLanes) {
    const Vector x = Load(points.x.data() + i), y = Load(points.y.data() + i);
    IntVector owner;
    std::memcpy(&owner, points.owner.data() + i, sizeof owner);
    NearestLanes nearest(count);
    BoxDistances(memory.matches, points.x.data() + i, points.y.data() + i, box_distance2);
    SearchNear(memory.matches, box_distance2, x, y, owner, nearest);
    SetNeighborLanes(memory.matches, x, y, nearest, options.min_neighbors, lanes);
    const FittedLanes fitted = FitLanes(lanes, options);
    Store(memory.sorted.x.data() + i, fitted.x);
    Store(memory.sorted.y.data() + i, fitted.y);
    Store(memory.sorted.precision.data() + i, fitted.precision);
  }
}

inline void GuideRow(const float* scores, const GuidedRow& row, const GuidedColumns& columns,
                     const GuidanceStrength& strength, float* guided) {
  const int64_t m = static_cast<int64_t>(columns.x.size());
  const FittedPlaces& places = columns.places;
  const auto guide = [&](int64_t j, int64_t count) {
    const auto part = [&](const std::vector<float>& values) {
      if (count == kLanes) return Load(values.data() + j);
      float some[kLanes] = {};
      std::copy_n(values.data() + j, count, some);
      return Load(some);
    };
    return Guidance(part(columns.x), part(columns.y), part(places.x), part(places.y), part(places.precision),
                    row, strength);
  };
  int64_t j = 0;
  for (; j + kLanes <= m; j += kLanes) Store(guided + j, Load(scores + j) + guide(j, kLanes));
  if (j == m) return;
  float last[kLanes];
  Store(last, guide(j, m - j));
  for (int64_t k = j; k < m; ++k) guided[k] = scores[k] + last[k - j];
}

inline void GuideListed(const float* scores, const int32_t* listed, int64_t count, const GuidedRow& row,
                        const GuidedColumns& columns, const GuidanceStrength& strength, float* guided) {
  const FittedPlaces& places = columns.places;
  for (int64_t e = 0; e < count; e += kLanes) {
    const int64_t some = std::min<int64_t>(kLanes, count - e);
    int32_t last[kLanes] = {};
    std::copy_n(listed + e, some, last);
    IntVector at;
    std::memcpy(&at, last, sizeof at);
    const auto of = [&](const std::vector<float>& values) { return Gather(values.data(), at); };
    float added[kLanes];
    Store(added, Guidance(of(columns.x), of(columns.y), of(places.x), of(places.y), of(places.precision), row,
                          strength));
    for (int64_t k = 0; k < some; ++k) guided[e + k] = scores[e + k] + added[k];
  }
}

// See local_fit.h; of_to is in the order of `points`, which are those of `to`.
inline void AddRaised(const PlacedPoints& from, const PlacedPoints& to, const SortedPoints& points,
                      float bonus, float each, float* of_from, float* of_to) {
  const FittedPlaces &places = from.places, &others = to.places;
  const auto n = static_cast<int64_t>(places.x.size()), groups = points.stride / kMostLanes;
  for (int64_t i = 0; i < n; ++i) {
    const float precision = places.precision[i];
    if (!(precision > 0)) continue;
    const float x = places.x[i], y = places.y[i], reach2 = bonus / precision;
    int64_t raised = 0;
    for (int64_t g = 0; g < groups; ++g) {
      const float dx = std::max({0.0f, points.left[g] - x, x - points.right[g]});
      const float dy = std::max({0.0f, points.top[g] - y, y - points.bottom[g]});
      if (!(dx * dx + dy * dy < reach2)) continue;
      for (int64_t s = g * kMostLanes; s < (g + 1) * kMostLanes; s += kLanes) {
        IntVector owner;
        std::memcpy(&owner, points.owner.data() + s, sizeof owner);
        const IntVector at = owner >= 0 ? owner : IntVector{};
        const Vector ax = Load(points.x.data() + s) - x, ay = Load(points.y.data() + s) - y;
        const Vector bx = Gather(others.x.data(), at) - from.xy[2 * i],
                     by = Gather(others.y.data(), at) - from.xy[2 * i + 1];
        const Vector other = Gather(others.precision.data(), at), error = precision * (ax * ax + ay * ay),
                     mean = 0.5f * (error + other * (bx * bx + by * by));
        const IntVector is_raised = (error < bonus) & ((mean < bonus) | (other <= 0.0f)) & (owner >= 0);
        raised += __builtin_popcount(MaskOf(is_raised));
        Store(of_to + s, Load(of_to + s) + (Vector)((IntVector)(Vector{} + each) & is_raised));
      }
    }
    of_from[i] += each * static_cast<float>(raised);
  }
}
