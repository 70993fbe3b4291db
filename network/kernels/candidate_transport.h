// Optimal transport over the couplings that can matter (candidates.h) and the dustbins. What was left out of
// a row and a column is shared among the others in proportion to their own omitted sums, so that nearly
// nothing is missing; how much can be wrong at most is computed from the factors afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "network/kernels/candidates.h"

namespace colmatch {

// A solution, and the memory that the next one is computed in.
struct CandidateSolution {
  // Bound of the share of a row's or a column's probability that is wrong for lack of the omitted entries,
  // and so of the probability of an omitted entry. It holds for all but a thousandth of the rows and columns.
  double error = 0;
  bool in_range = false;  // whether the factors are within e to plus or minus kMaxLogFactor
  // Of the assignment without dustbins: each row's largest entry as a probability and its column (-1: no
  // candidate), each column's largest entry's row (-1).
  std::vector<float> row_largest, column_largest;
  std::vector<int32_t> row_best, column_best;

  // P = diag(a) K diag(b), dustbins last; rows of K are over exp(the row's largest score or bin score).
  std::vector<float> a, b;
  std::vector<float> kernel, bins, omitted;  // K of the candidates, of the dustbin, sum of the omitted
  std::vector<float> nu, column_sums;
};

// At least one row and one column, not too_many candidates. Iterations as TransportIterations'.
void SolveCandidates(const Candidates& candidates, int num_iterations, CandidateSolution& solution);
// The same with vectors of `lanes` floats (4, 8 or 16), which the machine must have: for tests of each path.
void SolveCandidatesWith(int lanes, const Candidates& candidates, int num_iterations,
                         CandidateSolution& solution);

}  // namespace colmatch
