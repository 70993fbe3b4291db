// Candidates of optimal transport; see candidates.h.
#include "network/kernels/candidates.h"

#include <algorithm>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/candidates-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void Candidates::Reset(int64_t num_columns, float bin) {
  rows = 0;
  columns = num_columns;
  bin_score = bin;
  too_many = false;
  ends.clear();
  omitted0.clear();
  unsure0.clear();
  unsure1.clear();
  omitted1.assign(static_cast<size_t>(num_columns), 0.0f);
}

namespace {

// Room for a row of which all entries may be listed, one more included.
void MakeRoom(Candidates& c) {
  const int64_t size = c.count() + c.columns + 1;
  if (static_cast<int64_t>(c.places.size()) >= size) return;
  c.places.resize(static_cast<std::size_t>(2 * size));
  c.scores.resize(static_cast<std::size_t>(2 * size));
}

}  // namespace

void AddCandidatesWith(int lanes, const float* scores, int64_t stride, int64_t rows, float margin,
                       Candidates& c) {
  const auto select = simd::ForLanes(lanes, x4::SelectRow, x8::SelectRow, x16::SelectRow);
  const float least = c.bin_score - margin;
  for (int64_t i = 0; i < rows; ++i, scores += stride) {
    int64_t count = c.count();
    MakeRoom(c);
    ++c.rows;
    if (!c.too_many) {
      c.omitted0.push_back(select(scores, c.columns, c.bin_score, least, c.places.data(), c.scores.data(),
                                  count, c.omitted1.data()));
    }
    c.ends.push_back(count);
    // The first rows may have more.
    constexpr int64_t kRows = 64;
    if (static_cast<double>(count) >
        Candidates::kMostShare * static_cast<double>(std::max(kRows, c.rows) * c.columns))
      c.too_many = true;
  }
}

void AddCandidates(const float* scores, int64_t stride, int64_t rows, float margin, Candidates& candidates) {
  static const int lanes = simd::BestLanes();
  AddCandidatesWith(lanes, scores, stride, rows, margin, candidates);
}

void AddListedRowWith(int lanes, const float* scores, const int32_t* places, int64_t count, float omitted,
                      float margin, Candidates& c) {
  MakeRoom(c);
  const auto select = simd::ForLanes(lanes, x4::SelectListed, x8::SelectListed, x16::SelectListed);
  int64_t end = c.count();
  const float more = select(scores, places, count, c.bin_score, c.bin_score - margin, c.places.data(),
                            c.scores.data(), end, c.omitted1.data());
  c.omitted0.push_back(omitted + more);
  c.ends.push_back(end);
  ++c.rows;
}

void AddListedRow(const float* scores, const int32_t* places, int64_t count, float omitted, float margin,
                  Candidates& candidates) {
  static const int lanes = simd::BestLanes();
  AddListedRowWith(lanes, scores, places, count, omitted, margin, candidates);
}

int64_t ListAtLeastWith(int lanes, const float* row, int64_t columns, float least, int32_t* places) {
  return simd::ForLanes(lanes, x4::ListAtLeast, x8::ListAtLeast, x16::ListAtLeast)(row, columns, least,
                                                                                   places);
}

int64_t ListAtLeast(const float* row, int64_t columns, float least, int32_t* places) {
  static const int lanes = simd::BestLanes();
  return ListAtLeastWith(lanes, row, columns, least, places);
}

void JoinCandidates(const std::vector<Candidates>& parts, int64_t num_parts, Candidates& all) {
  all.Reset(parts.front().columns, parts.front().bin_score);
  for (int64_t p = 0; p < num_parts; ++p) {
    const Candidates& part = parts[static_cast<size_t>(p)];
    all.too_many = all.too_many || part.too_many;
    if (all.too_many) return;
    const int64_t before = all.count();
    simd::GrowTo(all.places, before + part.count());
    simd::GrowTo(all.scores, before + part.count());
    std::copy_n(part.places.begin(), part.count(), all.places.begin() + before);
    std::copy_n(part.scores.begin(), part.count(), all.scores.begin() + before);
    for (const int64_t end : part.ends) all.ends.push_back(before + end);
    all.omitted0.insert(all.omitted0.end(), part.omitted0.begin(), part.omitted0.end());
    for (size_t j = 0; j < all.omitted1.size(); ++j) all.omitted1[j] += part.omitted1[j];
    all.rows += part.rows;
  }
}

}  // namespace colmatch
