// Neighbours of a point as its map is fitted to them (local_fit_lanes-inl.h): on the CPU and in CUDA.
#pragma once

#include <cmath>
#include <cstdint>

#include "matcher/guidance/local_fit.h"

#if defined(__CUDACC__)
#define COLMATCH_DEVICE __host__ __device__
#else
#define COLMATCH_DEVICE
#endif

namespace colmatch {

// Of a point, or of a vector of points side by side: their k-th neighbours, `stride` floats after the k-1-th.
// dx, dy: a neighbour's place relative to the point, over the farthest one's distance; x, y: what it is
// matched with relative to origin, the nearest one's match. A neighbour that is missing has weight 0.
struct NeighborLanes {
  int count;
  int64_t stride;
  float *dx, *dy, *x, *y, *weight;
  float *origin_x, *origin_y;
};

// Fills one point's in: match(k), a PointMatch, is the k-th nearest of `found`, at a squared distance of
// distance2[k], rising.
template <typename Match>
COLMATCH_DEVICE inline void SetNeighbors(float x, float y, int found, const float* distance2,
                                         const Match& match, const NeighborLanes& out) {
  const float farthest2 = distance2[found - 1] > 1e-6f ? distance2[found - 1] : 1e-6f;
  const float scale = 1 / sqrtf(farthest2);
  const PointMatch nearest = match(0);
  *out.origin_x = nearest.x1;
  *out.origin_y = nearest.y1;
  for (int k = 0; k < found; ++k) {
    const PointMatch neighbor = match(k);
    const int64_t place = k * out.stride;
    out.dx[place] = (neighbor.x0 - x) * scale;
    out.dy[place] = (neighbor.y0 - y) * scale;
    out.x[place] = neighbor.x1 - nearest.x1;
    out.y[place] = neighbor.y1 - nearest.y1;
    out.weight[place] = neighbor.weight;
  }
}

// Puts a match that is d2 away among the `found` nearest, at most `count`, by rising distance; returns how
// many there are then.
COLMATCH_DEVICE inline int InsertNeighbor(float d2, int32_t match, int found, int count, float* distance2,
                                          int32_t* index) {
  if (found == count && d2 >= distance2[found - 1]) return found;
  int place = found < count ? found++ : found - 1;
  for (; place > 0 && distance2[place - 1] > d2; --place) {
    distance2[place] = distance2[place - 1];
    index[place] = index[place - 1];
  }
  distance2[place] = d2;
  index[place] = match;
  return found;
}

}  // namespace colmatch
