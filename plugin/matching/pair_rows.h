// A pair's matches as the database takes them.
#pragma once

#include <vector>

#include "database_io/colmap_database.h"
#include "network/features.h"

namespace colmatch {

struct PairRows {
  Matches matches;
  std::vector<float> confidences;
};
PairRows RowsOf(const FeatureMatches& matches);

}  // namespace colmatch
