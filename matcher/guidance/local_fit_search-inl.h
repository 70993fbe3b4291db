// Nearest matches of points for vectors of one width; see local_fit.cc and foreach_simd.h.

// The nearest matches of a vector of points, by rising distance, of equal ones the earlier match first.
struct NearestLanes {
  static constexpr float kNone = 3e38f;
  int count;
  Vector distance2[kMostNeighbors];  // squared; kNone where there are fewer
  IntVector match[kMostNeighbors];   // places in SortedMatches

  explicit NearestLanes(int num) : count(num) {
    for (int k = 0; k < count; ++k) {
      distance2[k] = Vector{} + kNone;
      match[k] = IntVector{};
    }
  }

  Vector Farthest() const { return distance2[count - 1]; }

  void Insert(Vector d, int32_t place, const int32_t* index) {
    IntVector at = IntVector{} + place;
    for (int k = 0; k < count; ++k) {
      const IntVector nearer = d < distance2[k], equal = d == distance2[k];
      IntVector before = nearer;
      if (MaskOf(equal) != 0) before |= equal & (Gather(index, at) < Gather(index, match[k]));
      const Vector other = distance2[k];
      const IntVector other_match = match[k];
      distance2[k] = before ? d : other;
      match[k] = before ? at : other_match;
      d = before ? other : d;
      at = before ? other_match : at;
    }
  }
};

// Looks through the blocks of matches whose box is at most `reach` (squared) from the group's.
inline void SearchBlocks(const SortedMatches& in, const float* box_distance2, float least, float most,
                         Vector x, Vector y, IntVector owner, NearestLanes& nearest) {
  const int64_t size = in.size();
  for (int64_t b = 0; b * SortedMatches::kBlock < size; ++b) {
    if (!(box_distance2[b] >= least && box_distance2[b] <= most)) continue;
    if (box_distance2[b] > Largest(nearest.Farthest())) continue;
    const int64_t end = std::min(size, (b + 1) * SortedMatches::kBlock);
    for (int64_t s = b * SortedMatches::kBlock; s < end; ++s) {
      const Vector dx = in.x0[s] - x, dy = in.y0[s] - y;
      Vector d = dx * dx + dy * dy;
      d = owner == in.owner[s] ? Vector{} + NearestLanes::kNone : d;
      if (MaskOf(d <= nearest.Farthest()) != 0) nearest.Insert(d, static_cast<int32_t>(s), in.index.data());
    }
  }
}

// Squared distance of the box of kLanes points from those of the blocks of matches.
inline void BoxDistances(const SortedMatches& in, const float* x, const float* y, float* distance2) {
  const auto [left, right] = Extent(x, kLanes);
  const auto [top, bottom] = Extent(y, kLanes);
  for (size_t b = 0; b < in.left.size(); ++b) {
    const float dx = std::max({0.0f, in.left[b] - right, left - in.right[b]});
    const float dy = std::max({0.0f, in.top[b] - bottom, top - in.bottom[b]});
    distance2[b] = dx * dx + dy * dy;
  }
}

// Blocks in rings of rising distance, so that few matches come that nearer ones push out again.
inline void SearchNear(const SortedMatches& in, const float* box_distance2, Vector x, Vector y,
                       IntVector owner, NearestLanes& nearest) {
  float least = 0, most = 0;
  for (float reach = in.reach; least < NearestLanes::kNone; reach *= 2) {
    SearchBlocks(in, box_distance2, least, most, x, y, owner, nearest);
    if (Largest(nearest.Farthest()) <= most) return;
    least = std::nextafter(most, NearestLanes::kNone);
    most = reach * reach < NearestLanes::kNone ? reach * reach : NearestLanes::kNone;
  }
}

// As SetNeighbors, of a vector of points: those with less than min_neighbors matches have none.
inline void SetNeighborLanes(const SortedMatches& in, Vector x, Vector y, const NearestLanes& nearest,
                             int min_neighbors, const NeighborLanes& out) {
  const auto is_match = [&](int k) { return nearest.distance2[k] < NearestLanes::kNone; };
  Vector farthest2 = Vector{} + 1e-6f;
  for (int k = 0; k < nearest.count; ++k) {
    const Vector d = is_match(k) ? nearest.distance2[k] : Vector{};
    farthest2 = d > farthest2 ? d : farthest2;
  }
  const bool enough = nearest.count >= min_neighbors;
  const IntVector has_any = is_match(min_neighbors > 0 && enough ? min_neighbors - 1 : 0);
  const IntVector has = enough ? has_any : IntVector{};
  Vector scale;
  for (int lane = 0; lane < kLanes; ++lane) scale[lane] = 1 / std::sqrt(farthest2[lane]);
  const Vector origin_x = Gather(in.x1.data(), nearest.match[0]),
               origin_y = Gather(in.y1.data(), nearest.match[0]);
  Store(out.origin_x, has ? origin_x : Vector{});
  Store(out.origin_y, has ? origin_y : Vector{});
  for (int k = 0; k < nearest.count; ++k) {
    const IntVector here = has & is_match(k), at = nearest.match[k];
    const auto store = [&](float* values, Vector v) { Store(values + k * out.stride, here ? v : Vector{}); };
    store(out.dx, (Gather(in.x0.data(), at) - x) * scale);
    store(out.dy, (Gather(in.y0.data(), at) - y) * scale);
    store(out.x, Gather(in.x1.data(), at) - origin_x);
    store(out.y, Gather(in.y1.data(), at) - origin_y);
    store(out.weight, Gather(in.weight.data(), at));
  }
}
