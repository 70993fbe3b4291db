// Rows of a pair; see pair_rows.h.
#include "plugin/matching/pair_rows.h"

#include <algorithm>

#include "matcher/matched_list.h"
#include "plugin/extraction/colmap_convert.h"

namespace colmatch {

PairRows RowsOf(const FeatureMatches& matches) {
  const auto list = ListMatches(matches);
  PairRows rows;
  rows.confidences.resize(list.size());
  std::transform(list.begin(), list.end(), rows.confidences.begin(),
                 [](const MatchedPair& p) { return p.confidence; });
  rows.matches = MatchesForColmap(list);
  return rows;
}

}  // namespace colmatch
