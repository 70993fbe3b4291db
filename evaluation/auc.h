// The area under the cumulative error curve.
#pragma once

#include <vector>

namespace colmatch {

// Errors sorted, recall (i+1)/n with a leading (0, 0), the curve cut at the threshold with the last recall,
// trapezoids, over the threshold: in [0, 1] (peers.md 2; SuperGlue's pose_auc). A failure is an infinite
// error. No errors: 0.
double AreaUnderCurve(std::vector<double> errors, double threshold);

}  // namespace colmatch
