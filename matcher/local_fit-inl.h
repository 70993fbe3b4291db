// Local affine maps for vectors of one width; see local_fit.h and foreach_simd.h.

#include "matcher/local_fit_lanes-inl.h"

inline void FitAll(Neighbors& in, const LocalFitOptions& options, FittedPlaces& places) {
  for (int64_t i = 0; i < in.stride; i += kLanes) {
    const FittedLanes fitted = FitLanes(in.From(i), options);
    Store(places.x.data() + i, fitted.x);
    Store(places.y.data() + i, fitted.y);
    Store(places.precision.data() + i, fitted.precision);
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
