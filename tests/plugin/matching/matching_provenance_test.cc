// What is noted beside a pair's rows of the options that made them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/matching/matching_setup.h"

namespace colmatch {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Noted(const PrefilterOptions& prefilter, const Metadata& weights) {
  MatchingPipelineOptions options;
  options.matching.matcher = "superglue";
  options.matching.prefilter = prefilter;
  CommonOptions common;
  common.device = "cpu";
  common.precision = "fp32";
  return MatchingProvenance(options, common, {weights, "0123"});
}

// A database is gone on with whether the weights' own choice was spelled out or not.
TEST(MatchingProvenance, SaysOfThePrefilterOnlyWhatTheWeightsDoNot) {
  const Metadata silent, asking = {{"min_neighbors", "3"}, {"neighbor_similarity", "0.7"}};
  EXPECT_EQ(Noted({0}, silent), Noted({}, silent));
  EXPECT_THAT(Noted({}, silent), Not(HasSubstr("min_neighbors")));
  EXPECT_EQ(Noted({3, 0.7}, asking), Noted({}, asking));
  EXPECT_THAT(Noted({0}, asking), HasSubstr(" min_neighbors 0"));
  EXPECT_THAT(Noted({3}, silent), HasSubstr(" min_neighbors 3"));
  EXPECT_THAT(Noted({3}, silent), Not(HasSubstr("neighbor_similarity")));
  EXPECT_THAT(Noted({3, 0.5}, asking), HasSubstr(" neighbor_similarity 0.5"));
}

}  // namespace
}  // namespace colmatch
