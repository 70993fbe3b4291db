// Kernels of transport_gpu.h, in CUDA. A block of threads has some of a pair's rows, its part; each thread
// has columns threadIdx.x, + kThreads, ... No include guard and no includes: see transport_gpu.cu.

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int64_t kRowsOfPart = 64, kMostParts = 64;
constexpr float kTiny = 1e-30f;  // keeps a row or column that nothing reaches finite

#include "network/kernels/gpu_reductions-inl.h"

// Where things lie in the scratch.
struct TransportLayout {
  int64_t parts, stride;

  __host__ __device__ explicit TransportLayout(const GpuTransport& t) {
    const int64_t enough = (t.rows + kRowsOfPart) / kRowsOfPart;
    parts = enough < kMostParts ? enough : kMostParts;
    stride = (t.columns + 1 + 31) / 32 * 32;
  }
};

struct TransportScratch : TransportLayout {
  float* kernel;          // (B, N + 1, stride): exp(couplings - row maximum), dustbins last
  float* row_factors;     // (B, N + 1)
  float* column_factors;  // (2, B, stride): of this iteration and the one before
  float* column_sums;     // (2, B, parts, stride): likewise, each part's
  float* column_values;   // (B, parts, stride): of each column the best entry of each part ...
  float* row_values;      // (B, N): of each row the best entry ...
  int32_t* done;          // (B): iterations after which the factors stood still; 0: they move
  int32_t* column_rows;   // (B, parts, stride): ... and its row
  int32_t* row_columns;   // (B, N): ... and its column

  __host__ __device__ explicit TransportScratch(const GpuTransport& t) : TransportLayout(t) {
    const int64_t of_parts = t.pairs * parts * stride;
    kernel = t.floats;
    row_factors = kernel + t.pairs * (t.rows + 1) * stride;
    column_factors = row_factors + t.pairs * (t.rows + 1);
    column_sums = column_factors + 2 * t.pairs * stride;
    column_values = column_sums + 2 * of_parts;
    row_values = column_values + of_parts;
    done = t.ints;
    column_rows = done + t.pairs;
    row_columns = column_rows + of_parts;
  }
  __host__ __device__ static int64_t Floats(const GpuTransport& t) {
    const TransportLayout l(t);
    return t.pairs * ((t.rows + 1) * (l.stride + 1) + 2 * l.stride + 3 * l.parts * l.stride + t.rows);
  }
  __host__ __device__ static int64_t Ints(const GpuTransport& t) {
    const TransportLayout l(t);
    return t.pairs * (1 + l.parts * l.stride + t.rows);
  }
};

// The pair that a block works on.
struct PairOfBlock {
  TransportScratch s;
  int64_t pair;
  int n, m;        // keypoints; dustbins have these indices
  float keypoint;  // marginal

  __device__ explicit PairOfBlock(const GpuTransport& t)
      : s(t), pair(blockIdx.y), n(t.counts0[blockIdx.y]), m(t.counts1[blockIdx.y]), rows_(t.rows) {
    keypoint = 1.0f / static_cast<float>(n + m);
  }

  __device__ float* KernelRow(int i) const { return s.kernel + (pair * (rows_ + 1) + i) * s.stride; }
  __device__ float& RowFactor(int i) const { return s.row_factors[pair * (rows_ + 1) + i]; }
  __device__ float RowMarginal(int i) const { return i < n ? keypoint : keypoint * static_cast<float>(m); }
  // Of the part that is this block's: its place in column_sums of an iteration, column_values, column_rows.
  __device__ int64_t PartOf(int64_t part) const { return (pair * s.parts + part) * s.stride; }
  __device__ const float* SumsAfter(int iteration, int64_t pairs) const {
    return s.column_sums + (iteration & 1) * pairs * s.parts * s.stride;
  }
  // nu / what all parts added up in an iteration.
  __device__ float ColumnFactor(int j, const float* sums) const {
    float sum = 0;
    for (int64_t part = 0; part < s.parts; ++part) sum += sums[PartOf(part) + j];
    return (j < m ? keypoint : keypoint * static_cast<float>(n)) / (sum + kTiny);
  }
  // First row of a part and the one after its last; dustbin included.
  __device__ int FirstRow(int64_t part) const {
    const int64_t each = (n + s.parts) / s.parts, first = part * each;
    return static_cast<int>(first < n + 1 ? first : n + 1);
  }

 private:
  int64_t rows_;
};

// exp(couplings - row maximum), a warp a row.
__global__ void MakeTransportKernel(GpuTransport t) {
  const PairOfBlock p(t);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const float bin = *t.bin_score;
  for (int i = static_cast<int>(blockIdx.x) * kWarps + warp; i <= p.n;
       i += static_cast<int>(gridDim.x) * kWarps) {
    float* const out = p.KernelRow(i);
    if (i == p.n) {
      for (int j = lane; j <= p.m; j += 32) out[j] = 1;
      continue;
    }
    const float* const row = t.scores + (p.pair * t.rows + i) * t.columns;
    float largest = bin;
    for (int j = lane; j < p.m; j += 32) largest = fmaxf(largest, row[j]);
    largest = WarpMax(largest);
    for (int j = lane; j <= p.m; j += 32) out[j] = expf((j < p.m ? row[j] : bin) - largest);
  }
}

// kRows rows from `first`, of which those before `end` count, as a thread sees them: its columns' entries,
// and of each row the sum of entries times b over all columns. One __syncthreads; `sums` is another one's
// every other time.
template <int kColumns, int kRows>
__device__ inline void LoadRows(const PairOfBlock& p, int first, int end, const float (&b)[kColumns],
                                float (&entries)[kRows][kColumns], float (&totals)[kRows],
                                float (&sums)[kRows][kWarps]) {
  const int thread = static_cast<int>(threadIdx.x);
  COLMATCH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const float* const row = p.KernelRow(first + r < end ? first + r : end - 1);
    float sum = 0;
    COLMATCH_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      const int j = thread + c * kThreads;
      entries[r][c] = j <= p.m && first + r < end ? row[j] : 0;
      sum += entries[r][c] * b[c];
    }
    sum = WarpSum(sum);
    if (thread % 32 == 0) sums[r][thread / 32] = sum;
  }
  __syncthreads();
  COLMATCH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    totals[r] = 0;
    COLMATCH_UNROLL
    for (int warp = 0; warp < kWarps; ++warp) totals[r] += sums[r][warp];
  }
}

// The largest of all threads' values.
__device__ inline float BlockMax(float x, float (&maxima)[kWarps]) {
  x = WarpMax(x);
  if (threadIdx.x % 32 == 0) maxima[threadIdx.x / 32] = x;
  __syncthreads();
  float largest = maxima[0];
  for (int warp = 1; warp < kWarps; ++warp) largest = fmaxf(largest, maxima[warp]);
  return largest;
}

// Iteration number `iteration`, from 0: b from what the rows added up before (1 at first), then a = mu / K b
// of the block's rows and what they add to the columns' sums. Every block of a pair computes b, the same
// bits, and sees whether it still moves: nothing is done to a pair from then on.
template <int kColumns, int kRows>
__global__ void __launch_bounds__(kThreads) IterateTransport(GpuTransport t, int iteration, float tolerance) {
  __shared__ float sums[2][kRows][kWarps], maxima[kWarps];
  const PairOfBlock p(t);
  const int thread = static_cast<int>(threadIdx.x);
  // Not what another block says in this very launch, which some threads would see and others not.
  const int done = p.s.done[p.pair];
  if (done > 0 && done < iteration) return;
  const int64_t part = blockIdx.x;
  float* const factors = p.s.column_factors + ((iteration & 1) * t.pairs + p.pair) * p.s.stride;
  const float* const before = p.s.column_factors + ((1 - (iteration & 1)) * t.pairs + p.pair) * p.s.stride;
  float b[kColumns], change = 0;
  COLMATCH_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int j = thread + c * kThreads;
    b[c] = j <= p.m ? 1.0f : 0.0f;
    if (j > p.m) continue;
    if (iteration > 0) {
      b[c] = p.ColumnFactor(j, p.SumsAfter(iteration - 1, t.pairs));
      change = fmaxf(change, fabsf(b[c] - before[j]) / b[c]);
    }
    if (part == 0) factors[j] = b[c];
  }
  if (iteration > 0 && BlockMax(change, maxima) < tolerance) {
    if (part == 0 && thread == 0) p.s.done[p.pair] = iteration;
    return;
  }
  const int first = p.FirstRow(part), end = p.FirstRow(part + 1);
  float column_sums[kColumns] = {}, entries[kRows][kColumns], totals[kRows];
  for (int i = first, turn = 0; i < end; i += kRows, turn = 1 - turn) {
    LoadRows<kColumns, kRows>(p, i, end, b, entries, totals, sums[turn]);
    COLMATCH_UNROLL
    for (int r = 0; r < kRows; ++r) {
      if (i + r >= end) continue;
      const float a = p.RowMarginal(i + r) / (totals[r] + kTiny);
      if (thread == r) p.RowFactor(i + r) = a;
      COLMATCH_UNROLL
      for (int c = 0; c < kColumns; ++c) column_sums[c] += a * entries[r][c];
    }
  }
  float* const out = p.s.column_sums + (iteration & 1) * t.pairs * p.s.parts * p.s.stride + p.PartOf(part);
  COLMATCH_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int j = thread + c * kThreads;
    if (j <= p.m) out[j] = column_sums[c];
  }
}

// Whether a factor is where float32 loses nothing beside it.
__device__ inline bool IsInRange(float factor, float most) { return fabsf(logf(factor)) < most; }

// After the last iteration: the best entry of each of the block's rows, and of each column within them,
// dustbins left out.
template <int kColumns, int kRows>
__global__ void __launch_bounds__(kThreads) FindBestEntries(GpuTransport t, float most_log_factor) {
  __shared__ Best of_warps[2][kRows][kWarps];
  const PairOfBlock p(t);
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t part = blockIdx.x;
  const int done = p.s.done[p.pair], iterations = done > 0 ? done : t.iterations;
  bool in_range = true;
  float b[kColumns] = {};
  Best of_columns[kColumns];
  COLMATCH_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int j = thread + c * kThreads;
    of_columns[c] = {-1, 0};
    if (j > p.m) continue;
    b[c] = p.ColumnFactor(j, p.SumsAfter(iterations - 1, t.pairs));
    in_range = in_range && IsInRange(b[c], most_log_factor);
  }
  const int first = p.FirstRow(part), end = p.FirstRow(part + 1), last = end < p.n ? end : p.n;
  if (thread == 0 && end > p.n && first <= p.n)
    in_range = in_range && IsInRange(p.RowFactor(p.n), most_log_factor);
  for (int i = first, turn = 0; i < last; i += kRows, turn = 1 - turn) {
    COLMATCH_UNROLL
    for (int r = 0; r < kRows; ++r) {
      if (i + r >= last) continue;  // as for all threads
      const float a = p.RowFactor(i + r);
      const float* const row = p.KernelRow(i + r);
      Best best = {-1, 0};
      COLMATCH_UNROLL
      for (int c = 0; c < kColumns; ++c) {
        const int j = thread + c * kThreads;
        if (j >= p.m) continue;
        const float entry = row[j] * a;
        best = Better(best, {entry * b[c], j});
        if (entry > of_columns[c].value) of_columns[c] = {entry, i + r};
      }
      best = WarpBest(best);
      if (thread % 32 == 0) of_warps[turn][r][thread / 32] = best;
    }
    __syncthreads();
    if (thread < kRows && i + thread < last) {
      Best best = of_warps[turn][thread][0];
      for (int warp = 1; warp < kWarps; ++warp) best = Better(best, of_warps[turn][thread][warp]);
      p.s.row_values[p.pair * t.rows + i + thread] = best.value / p.keypoint;
      p.s.row_columns[p.pair * t.rows + i + thread] = best.place;
      in_range = in_range && IsInRange(p.RowFactor(i + thread), most_log_factor);
    }
  }
  COLMATCH_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int j = thread + c * kThreads;
    if (j >= p.m) continue;
    p.s.column_values[p.PartOf(part) + j] = of_columns[c].value;
    p.s.column_rows[p.PartOf(part) + j] = of_columns[c].place;
  }
  if (!in_range) t.left_range[p.pair] = 1;
}

// Mutual best entries; a block a pair.
__global__ void FindMutualMatches(GpuTransport t) {
  const PairOfBlock p(t);
  const int thread = static_cast<int>(threadIdx.x);
  int64_t* const matches0 = t.matches0 + p.pair * t.rows;
  int64_t* const matches1 = t.matches1 + p.pair * t.columns;
  float* const scores0 = t.scores0 + p.pair * t.rows;
  float* const scores1 = t.scores1 + p.pair * t.columns;
  for (int64_t i = thread; i < t.rows; i += kThreads) {
    matches0[i] = -1;
    scores0[i] = 0;
  }
  int32_t* const column_rows = p.s.column_rows + p.PartOf(0);  // of all parts, from here on
  for (int64_t j = thread; j < t.columns; j += kThreads) {
    matches1[j] = -1;
    scores1[j] = 0;
    if (j >= p.m) continue;
    float largest = -1;
    int32_t row = 0;
    for (int64_t part = 0; part < p.s.parts; ++part) {
      const float value = p.s.column_values[p.PartOf(part) + j];
      if (!(value > largest)) continue;
      largest = value;
      row = p.s.column_rows[p.PartOf(part) + j];
    }
    column_rows[j] = row;
  }
  __syncthreads();
  for (int i = thread; i < p.n; i += kThreads) {
    const int32_t j = p.s.row_columns[p.pair * t.rows + i];
    if (column_rows[j] != i) continue;
    const float score = p.s.row_values[p.pair * t.rows + i];
    scores0[i] = scores1[j] = score;
    if (!(score > t.match_threshold)) continue;
    matches0[i] = j;
    matches1[j] = i;
  }
}

// The launches of one transport, in order. launch(kernel, grid, arguments...) with kThreads threads a block.
template <int kColumns, int kRows, typename Launch>
void LaunchTransportOf(const GpuTransport& t, const Launch& launch) {
  const auto pairs = static_cast<unsigned int>(t.pairs);
  const auto blocks = [&](int64_t count) { return dim3(static_cast<unsigned int>(count), pairs); };
  const int64_t parts = TransportLayout(t).parts;
  launch(MakeTransportKernel, blocks((t.rows + kWarps) / kWarps), t);
  for (int iteration = 0; iteration < t.iterations; ++iteration)
    launch(IterateTransport<kColumns, kRows>, blocks(parts), t, iteration, kTransportConverged);
  launch(FindBestEntries<kColumns, kRows>, blocks(parts), t, static_cast<float>(kMaxLogFactor));
  launch(FindMutualMatches, blocks(1), t);
}

template <typename Launch>
void LaunchTransport(const GpuTransport& t, const Launch& launch) {
  const auto fits = [&](int columns) { return t.columns + 1 <= columns * kThreads; };
  if (fits(2)) return LaunchTransportOf<2, 8>(t, launch);
  if (fits(5)) return LaunchTransportOf<5, 4>(t, launch);
  if (fits(9)) return LaunchTransportOf<9, 4>(t, launch);
  if (fits(17)) return LaunchTransportOf<17, 2>(t, launch);
  LaunchTransportOf<33, 1>(t, launch);
}
