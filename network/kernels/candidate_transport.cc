// Optimal transport over candidates; see candidate_transport.h.
#include "network/kernels/candidate_transport.h"

#include <algorithm>
#include <cmath>

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
// to no more; a column likewise.
double ErrorBound(const Candidates& c, const CandidateSolution& s) {
  double row = 0, column = 0, most_a = 0, most_b = 0;
  for (size_t i = 0; i < static_cast<size_t>(c.rows); ++i) {
    const double unsure = c.unsure0.empty() ? 0 : static_cast<double>(s.bins[i]) * c.unsure0[i];
    row = std::max(row, s.a[i] * (s.omitted[i] + unsure));
    most_a = std::max(most_a, static_cast<double>(s.a[i]) * s.bins[i]);
  }
  for (size_t j = 0; j < static_cast<size_t>(c.columns); ++j) {
    const double unsure = c.unsure1.empty() ? 0 : c.unsure1[j];
    column = std::max(column, s.b[j] * (c.omitted1[j] + unsure));
    most_b = std::max(most_b, static_cast<double>(s.b[j]));
  }
  return std::max(row * most_b, column * most_a);
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
