// What guidance computes for one vector of points or keypoints, on the CPU; on a GPU a thread's Vector is one
// float. See local_fit.h. No include guard: included where Vector and Load are defined, after
// local_fit_neighbors.h.

struct FittedLanes {
  Vector x, y, precision;
};

// One vector of points, in each lane a point and its neighbours. Their places are fitted around the weighted
// mean of the neighbours, so that sums of products do not cancel.
COLMATCH_DEVICE inline FittedLanes FitLanes(const NeighborLanes& in, const LocalFitOptions& o) {
  constexpr float kRidge = 1e-5f;  // of the weights' sum
  const auto at = [&](const float* values, int k) { return Load(values + k * in.stride); };
  Vector w[kMostNeighbors], r2[kMostNeighbors];
  Vector prior = {};
  for (int k = 0; k < in.count; ++k) {
    w[k] = at(in.weight, k);
    prior += w[k];
  }
  Vector x = {}, y = {}, spread = {};
  float tolerance = o.first_tolerance;
  for (int last_rounds = 0; last_rounds < 3;) {
    if (tolerance <= o.last_tolerance) ++last_rounds;
    Vector sum = Vector{} + 1e-12f, dx = {}, dy = {}, tx = {}, ty = {};
    for (int k = 0; k < in.count; ++k) {
      sum += w[k];
      dx += w[k] * at(in.dx, k);
      dy += w[k] * at(in.dy, k);
      tx += w[k] * at(in.x, k);
      ty += w[k] * at(in.y, k);
    }
    dx /= sum;
    dy /= sum;
    tx /= sum;
    ty /= sum;
    Vector xx = sum * kRidge, xy = {}, yy = xx, xt = {}, yt = {}, xu = {}, yu = {};
    for (int k = 0; k < in.count; ++k) {
      const Vector a = at(in.dx, k) - dx, b = at(in.dy, k) - dy, wa = w[k] * a, wb = w[k] * b;
      const Vector t = at(in.x, k) - tx, u = at(in.y, k) - ty;
      xx += wa * a;
      xy += wa * b;
      yy += wb * b;
      xt += wa * t;
      yt += wb * t;
      xu += wa * u;
      yu += wb * u;
    }
    const Vector scale = 1.0f / (xx * yy - xy * xy);
    const Vector axx = (yy * xt - xy * yt) * scale, axy = (xx * yt - xy * xt) * scale;
    const Vector ayx = (yy * xu - xy * yu) * scale, ayy = (xx * yu - xy * xu) * scale;
    x = tx - axx * dx - axy * dy;
    y = ty - ayx * dx - ayy * dy;
    spread = 1.0f / sum + (yy * dx * dx - 2.0f * xy * dx * dy + xx * dy * dy) * scale;
    const float tolerance2 = tolerance * tolerance;
    tolerance = tolerance / 2 > o.last_tolerance ? tolerance / 2 : o.last_tolerance;
    for (int k = 0; k < in.count; ++k) {
      const Vector a = at(in.dx, k), b = at(in.dy, k);
      const Vector rx = at(in.x, k) - x - axx * a - axy * b, ry = at(in.y, k) - y - ayx * a - ayy * b;
      r2[k] = rx * rx + ry * ry;
      const Vector borne = tolerance2 / (tolerance2 + r2[k]);
      w[k] = at(in.weight, k) * borne * borne;
    }
  }
  Vector support = {}, residual = {};
  for (int k = 0; k < in.count; ++k) {
    support += w[k];
    residual += w[k] * r2[k];
  }
  // That of the keypoint, and that of the map at the point: large beside a line of neighbours.
  const float noise = o.location_noise * o.location_noise;
  const Vector variance = noise + spread * (noise + 0.5f * residual / support);
  const Vector precision = support > o.min_support * prior ? 0.5f / variance : Vector{};
  return {x + Load(in.origin_x), y + Load(in.origin_y), precision};
}

// One vector of columns.
COLMATCH_DEVICE inline Vector Guidance(Vector x, Vector y, Vector place_x, Vector place_y, Vector precision,
                                       const GuidedRow& row, const GuidanceStrength& strength) {
  const Vector ax = x - row.place_x, ay = y - row.place_y, bx = place_x - row.x, by = place_y - row.y;
  const Vector sides = (row.precision > 0 ? 1.0f : 0.0f) + (precision > 0.0f ? Vector{} + 1.0f : Vector{});
  const Vector sum = row.precision * (ax * ax + ay * ay) + precision * (bx * bx + by * by);
  const Vector said = strength.bonus - (sides > 1.5f ? 0.5f * sum : sum);
  const Vector least = Vector{} - strength.penalty, unsaid = Vector{} - strength.doubt;
  return sides > 0.5f ? (said > least ? said : least) : unsaid;
}
