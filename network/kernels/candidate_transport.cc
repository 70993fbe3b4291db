// Optimal transport over candidates; see candidate_transport.h.
#include "network/kernels/candidate_transport.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "network/kernels/simd.h"
#include "network/kernels/transport_iterations.h"

#define COLMATCH_KERNEL "network/kernels/candidate_transport-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {
namespace {

bool InRange(const std::vector<float>& factors) {
  const auto least = static_cast<float>(std::exp(-kMaxLogFactor)),
             most = static_cast<float>(std::exp(kMaxLogFactor));
  return std::all_of(factors.begin(), factors.end(), [&](float f) { return f > least && f < most; });
}

// In a row i the omitted entries sum up to at most a_i omitted_i max_j b_j, and what was added in their place
// to no more; a column likewise. Of these bounds the largest but for a thousandth of the rows and columns.
double ErrorBound(const Candidates& c, const CandidateSolution& s) {
  constexpr size_t kOneOf = 1000;
  const auto rows = static_cast<size_t>(c.rows), columns = static_cast<size_t>(c.columns);
  float most_a = 0, most_b = 0;
  for (size_t i = 0; i < rows; ++i) most_a = std::max(most_a, s.a[i] * s.bins[i]);
  for (size_t j = 0; j < columns; ++j) most_b = std::max(most_b, s.b[j]);
  const auto unsure = [](const std::vector<float>& of, size_t i) { return of.empty() ? 0 : of[i]; };
  std::vector<float> errors;
  errors.reserve(rows + columns);
  for (size_t i = 0; i < rows; ++i)
    errors.push_back(s.a[i] * (s.omitted[i] + s.bins[i] * unsure(c.unsure0, i)) * most_b);
  for (size_t j = 0; j < columns; ++j)
    errors.push_back(s.b[j] * (c.omitted1[j] + unsure(c.unsure1, j)) * most_a);
  const auto nth = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / kOneOf);
  std::nth_element(errors.begin(), nth, errors.end(), std::greater<float>());
  return *nth;
}

}  // namespace

void SolveCandidatesWith(int lanes, const Candidates& candidates, int num_iterations,
                         CandidateSolution& solution) {
  simd::ForLanes(lanes, x4::SolveCandidates, x8::SolveCandidates, x16::SolveCandidates)(
      candidates, num_iterations, kTransportConverged, solution);
  solution.in_range = InRange(solution.a) && InRange(solution.b);
  solution.error = ErrorBound(candidates, solution);
  x4::FindBest(candidates, solution);
}

void SolveCandidates(const Candidates& candidates, int num_iterations, CandidateSolution& solution) {
  static const int lanes = simd::BestLanes();
  SolveCandidatesWith(lanes, candidates, num_iterations, solution);
}

}  // namespace colmatch
