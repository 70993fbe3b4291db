// Matching with prepared images; see caching_matcher.h.
#include "plugin/matching/caching_matcher.h"

#include "plugin/runtime/trace.h"

namespace colmatch {

std::shared_ptr<const PreparedImage> CachingMatcher::Prepared(const NumberedImage& image) {
  return *prepared_->Get(
      image.number, [&] { return Traced("prepare", [&] { return matcher_->Prepare(image.features); }); });
}

std::vector<PairRows> CachingMatcher::Match(const std::vector<NumberedPair>& pairs) {
  std::vector<PreparedPair> prepared;
  for (const auto& [image0, image1] : pairs) {
    auto prepared0 = Prepared(image0);
    prepared.push_back({std::move(prepared0), Prepared(image1)});
  }
  std::vector<PairRows> rows;
  for (const FeatureMatches& matches : Traced("match", [&] { return matcher_->MatchBatch(prepared); }))
    rows.push_back(RowsOf(matches));
  return rows;
}

}  // namespace colmatch
