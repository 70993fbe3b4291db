// Selection of candidates for vectors of one width; see candidates.h and foreach_simd.h.

// At least exp(x) for x <= 0, by at most 6.2 %; 0 below -87: a power of 2 with a linear mantissa, which lies
// above the exponential because that is convex.
inline Vector AtLeastExp(Vector x) {
  constexpr float kOne = 127.0f * 8388608.0f, kPerUnit = 8388608.0f * 1.44269504f;
  const Vector bits = x * kPerUnit + kOne;
  return (Vector) __builtin_convertvector(bits > 0.0f ? bits : Vector{}, IntVector);
}

// Writes the columns and scores of a row's entries of at least `least` to places and kept, adds the others'
// exponentials to omitted1 and returns their sum; `count` is where the lists end.
inline float SelectRow(const float* row, int64_t columns, float bin, float least, int32_t* places,
                       float* kept, int64_t& count, float* omitted1) {
  Vector sums = {};
  int64_t j = 0;
  for (; j + kLanes <= columns; j += kLanes) {
    const Vector scores = Load(row + j);
    const IntVector listed = scores >= least;
    const Vector omitted = (Vector)((IntVector)AtLeastExp(scores - bin) & ~listed);
    sums += omitted;
    Store(omitted1 + j, Load(omitted1 + j) + omitted);
    for (uint32_t mask = MaskOf(listed); mask != 0; mask &= mask - 1) {
      const int64_t column = j + __builtin_ctz(mask);
      places[count] = static_cast<int32_t>(column);
      kept[count++] = row[column];
    }
  }
  float sum = Sum(sums);
  for (; j < columns; ++j) {
    if (row[j] >= least) {
      places[count] = static_cast<int32_t>(j);
      kept[count++] = row[j];
      continue;
    }
    const float omitted = AtLeastExp(Vector{} + (row[j] - bin))[0];
    sum += omitted;
    omitted1[j] += omitted;
  }
  return sum;
}

inline int64_t ListAtLeast(const float* row, int64_t columns, float least, int32_t* places) {
  int64_t count = 0, j = 0;
  for (; j + kLanes <= columns; j += kLanes) {
    for (uint32_t mask = MaskOf(Load(row + j) >= least); mask != 0; mask &= mask - 1)
      places[count++] = static_cast<int32_t>(j + __builtin_ctz(mask));
  }
  for (; j < columns; ++j) {
    if (row[j] >= least) places[count++] = static_cast<int32_t>(j);
  }
  return count;
}

// SelectRow of listed entries only.
inline float SelectListed(const float* row, const int32_t* columns, int64_t entries, float bin, float least,
                          int32_t* places, float* kept, int64_t& count, float* omitted1) {
  float sum = 0;
  for (int64_t e = 0; e < entries; e += kLanes) {
    const int64_t some = std::min<int64_t>(kLanes, entries - e);
    float scores[kLanes] = {}, omitted[kLanes];
    std::copy_n(row + e, some, scores);
    Store(omitted, AtLeastExp(Load(scores) - bin));
    for (int64_t k = 0; k < some; ++k) {
      places[count] = columns[e + k];
      kept[count] = scores[k];
      const bool listed = scores[k] >= least;
      count += listed ? 1 : 0;
      omitted[k] = listed ? 0 : omitted[k];
      sum += omitted[k];
      omitted1[columns[e + k]] += omitted[k];
    }
  }
  return sum;
}
