// Kernels of local_guidance_gpu.h, in CUDA. No include guard and no includes: see local_guidance_gpu.cu.

constexpr int kThreads = 128;

// What matcher/guidance/local_fit_lanes-inl.h computes with: a thread's one point.
using Vector = float;
COLMATCH_DEVICE inline Vector Load(const float* x) { return *x; }
#include "matcher/guidance/local_fit_lanes-inl.h"

COLMATCH_DEVICE inline LocalFitOptions ScaledBy(LocalFitOptions fit, float scale) {
  fit.location_noise *= scale;
  fit.first_tolerance *= scale;
  fit.last_tolerance *= scale;
  return fit;
}

// Where the other image has each keypoint of one: a thread a keypoint, which looks at all matches of its
// pair, a tile at a time.
__global__ void FitPlacesOfSide(GpuGuidance g, GpuGuidanceSide own, GpuGuidanceSide other) {
  __shared__ PointMatch tile[kThreads];
  const int64_t pair = blockIdx.y, first = pair * own.size;
  const int thread = static_cast<int>(threadIdx.x), n = own.counts[pair];
  const int i = static_cast<int>(blockIdx.x) * kThreads + thread;
  const float* const xy = own.keypoints + 2 * first;
  const float x = i < n ? xy[2 * i] : 0, y = i < n ? xy[2 * i + 1] : 0;
  const auto match_of = [&](int k) {
    const int64_t j = k < n ? own.matches[first + k] : -1;
    if (j < 0) return PointMatch{0, 0, 0, 0, 0, -1};
    const float* const matched = other.keypoints + 2 * (pair * other.size + j);
    return PointMatch{xy[2 * k], xy[2 * k + 1], matched[0], matched[1], own.confidences[first + k], k};
  };
  const int count = g.fit.num_neighbors < kMostNeighbors ? g.fit.num_neighbors : kMostNeighbors;
  float distance2[kMostNeighbors];
  int32_t index[kMostNeighbors];
  int found = 0, num_matches = 0;
  for (int begin = 0; begin < n; begin += kThreads) {
    __syncthreads();  // the tile before has been read
    tile[thread] = match_of(begin + thread);
    __syncthreads();
    for (int k = 0; k < kThreads; ++k) {
      const PointMatch& match = tile[k];
      if (match.owner < 0) continue;
      ++num_matches;
      const float dx = match.x0 - x, dy = match.y0 - y;
      if (match.owner != i)
        found = InsertNeighbor(dx * dx + dy * dy, static_cast<int32_t>(match.owner), found, count, distance2,
                               index);
    }
  }
  if (blockIdx.x == 0 && thread == 0) g.num_matches[pair] = num_matches;
  if (i >= n) return;
  FittedLanes fitted = {0, 0, 0};
  if (found >= g.fit.min_neighbors) {
    float dx[kMostNeighbors], dy[kMostNeighbors], to_x[kMostNeighbors], to_y[kMostNeighbors],
        weight[kMostNeighbors], origin[2];
    const NeighborLanes neighbors = {found, 1, dx, dy, to_x, to_y, weight, origin, origin + 1};
    SetNeighbors(
        x, y, found, distance2, [&](int k) { return match_of(index[k]); }, neighbors);
    fitted = FitLanes(neighbors, ScaledBy(g.fit, other.scales[pair]));
  }
  float* const places = own.places + first + i;
  places[0] = fitted.x;
  places[g.pairs * own.size] = fitted.y;
  places[2 * g.pairs * own.size] = fitted.precision;
}

// Guided scores, a block a row.
__global__ void GuideRows(GpuGuidance g) {
  const int64_t pair = blockIdx.y, rows = g.side0.size, columns = g.side1.size, row = blockIdx.x;
  const int64_t at_row = (pair * rows + row) * columns, at0 = pair * rows + row, at1 = pair * columns;
  const bool any = g.num_matches[pair] >= g.fit.min_neighbors && row < g.side0.counts[pair];
  GuidedRow own;
  if (any) {
    own.x = g.side0.keypoints[2 * at0];
    own.y = g.side0.keypoints[2 * at0 + 1];
    own.place_x = g.side0.places[at0];
    own.place_y = g.side0.places[g.pairs * rows + at0];
    own.precision = g.side0.places[2 * g.pairs * rows + at0];
  }
  const float* const places = g.side1.places + at1;
  for (int64_t j = threadIdx.x; j < columns; j += kThreads) {
    float score = g.scores[at_row + j];
    if (any && j < g.side1.counts[pair]) {
      const float* const xy = g.side1.keypoints + 2 * (at1 + j);
      score += Guidance(xy[0], xy[1], places[j], places[g.pairs * columns + j],
                        places[2 * g.pairs * columns + j], own, g.strength);
    }
    g.guided[at_row + j] = score;
  }
}

// The launches, in order. launch(kernel, grid, arguments...) with kThreads threads a block.
template <typename Launch>
void LaunchGuidance(const GpuGuidance& g, const Launch& launch) {
  const auto pairs = static_cast<unsigned int>(g.pairs);
  const auto blocks = [&](int64_t count) { return dim3(static_cast<unsigned int>(count), pairs); };
  launch(FitPlacesOfSide, blocks((g.side0.size + kThreads - 1) / kThreads), g, g.side0, g.side1);
  launch(FitPlacesOfSide, blocks((g.side1.size + kThreads - 1) / kThreads), g, g.side1, g.side0);
  launch(GuideRows, blocks(g.side0.size), g);
}
