// The sequence protocol: sequences of a plane with true homographies (HPatches, Balntas 2017; the Oxford
// sequences of Mikolajczyk 2005), measured as glue-factory does, with mean matching accuracy (Dusmanu 2019)
// and repeatability beside it.
#pragma once

#include <vector>

#include "evaluation/homography_estimation.h"
#include "evaluation/summary.h"

namespace colmatch {

struct SequenceProtocolOptions {
  // RANSAC is run with each; the table takes a method's best, as glue-factory does.
  std::vector<double> ransac_thresholds_px = {0.5, 1, 1.5, 2, 2.5, 3};
  double repeatability_px = 3;
};

// Measures: num_matches; accuracy@T for T = 1 .. 10 px, the share of matches whose error in image 1 is at
// most T; precision@1, @3 by the symmetric error (the mean of both directions); error_dlt (weighted by
// confidence), error_ransac@T; repeatability, repeatability_error. Corners are those of the image's extent.
Measures MeasureSequencePair(const HomographyPair& pair, const SequenceProtocolOptions& options = {});

// Writes each row's error_ransac: that of the threshold with the best mean of AUC@1, 3 and 5 over all rows,
// which it returns.
double TakeBestRansac(std::vector<Measures>& rows, const SequenceProtocolOptions& options = {});

std::vector<Statistic> SequenceStatistics();

}  // namespace colmatch
