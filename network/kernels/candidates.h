// The coupling scores of a pair that can matter to optimal transport. With dustbin score a, the solution's
// entries satisfy P_ij <= exp(s_ij - a) / P_bin,bin, because u_i <= 1 / (e^a v_bin) and v_j <= 1 / (e^a
// u_bin) after an update of either side. So scores far below a, nearly all of them, change a row's sum by
// little: they are left out, and what is left out of each row and column is summed for the proof
// (candidate_transport.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colmatch {

// Row by row. Buffers keep their memory when they are used again.
struct Candidates {
  int64_t rows = 0, columns = 0;
  float bin_score = 0;
  bool too_many = false;        // more than kMostShare of all entries: the lists are incomplete, of no use
  std::vector<int64_t> ends;    // (rows): of each row's candidates
  std::vector<int32_t> places;  // columns of the candidates, rising within a row; may be longer than count()
  std::vector<float> scores;    // the same, scores
  // (rows), (columns): about the sum of exp(score - bin_score) of a row's and a column's other entries, and
  // what must be added to be sure that it is not more.
  std::vector<float> omitted0, omitted1, unsure0, unsure1;

  static constexpr double kMostShare = 0.2;

  int64_t count() const { return ends.empty() ? 0 : ends.back(); }
  int64_t begin(int64_t row) const { return row == 0 ? 0 : ends[static_cast<std::size_t>(row - 1)]; }

  // Without rows yet.
  void Reset(int64_t num_columns, float bin);
};

// How far below the dustbin's score a coupling is listed: with 5 about 3.5 % are. No sum is uncertain by more
// than some per cent, and guidance, which raises a coupling by up to 3, cannot make one that is not listed
// decide (docs/engine.md).
inline constexpr float kCandidateMargin = 5;
// The same of couplings that guidance has changed. None of them changes any more.
inline constexpr float kGuidedMargin = 3;

// Adds rows of scores, `stride` entries apart, to candidates: those of at least bin_score - margin are
// listed, the others added to omitted0 and omitted1, by up to 6.2 % more than they are.
void AddCandidates(const float* scores, int64_t stride, int64_t rows, float margin, Candidates& candidates);
// The same with vectors of `lanes` floats (4, 8 or 16), which the machine must have: for tests of each path.
void AddCandidatesWith(int lanes, const float* scores, int64_t stride, int64_t rows, float margin,
                       Candidates& candidates);

// Adds one row of which only `count` entries are known, scores of columns `places`: as AddCandidates, their
// others are already in omitted1, and have the sum `omitted`.
void AddListedRow(const float* scores, const int32_t* places, int64_t count, float omitted, float margin,
                  Candidates& candidates);
void AddListedRowWith(int lanes, const float* scores, const int32_t* places, int64_t count, float omitted,
                      float margin, Candidates& candidates);

// Writes the columns of the entries of a row that are at least `least` to places, which has room for all
// columns; returns how many.
int64_t ListAtLeast(const float* row, int64_t columns, float least, int32_t* places);
int64_t ListAtLeastWith(int lanes, const float* row, int64_t columns, float least, int32_t* places);

// The rows of all parts, one part after the other, in `all`. At least one part.
void JoinCandidates(const std::vector<Candidates>& parts, int64_t count, Candidates& all);

}  // namespace colmatch
