// The tables of a collection do not depend on how many workers made them.
#include <gtest/gtest.h>

#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/rotated_pipeline.h"
#include "tests/database_io/database_test_util.h"
#include "tests/plugin/test_photos.h"

namespace colmatch {
namespace {

// Features and all pairs of the test photos; matched anew with one photo turned where a pair is doubtful.
std::string TablesOf(const TemporaryFolder& folder, const std::filesystem::path& photos, int num_threads,
                     const std::string& precision) {
  CommonOptions common;
  common.weights = "fast";
  common.device = "cpu";
  common.progress = "off";
  common.num_threads = num_threads;
  common.precision = precision;
  FeaturePipelineOptions features;
  features.database_path = folder.File(precision + std::to_string(num_threads) + ".db");
  features.image_path = photos.string();
  features.keypoints.max_num_features = 150;
  features.max_image_size = 240;
  EXPECT_EQ(ExtractCollection(features, common).skipped.size(), 0u);
  MatchingPipelineOptions matching;
  matching.database_path = features.database_path;
  matching.geometry.min_num_inliers = 60;  // so that pairs are doubtful
  EXPECT_GT(MatchExhaustively(matching, common).matched, 0);
  MatchRotated(features, matching, common);
  return DumpFeaturesAndPairs(features.database_path);
}

TEST(WorkerCount, ChangesNoByteOfTheTables) {
  const TemporaryFolder folder;
  const auto photos = CopyOfTestPhotos(folder);
  for (const char* precision : {"auto", "fp32"}) {
    const std::string expected = TablesOf(folder, photos, 1, precision);
    EXPECT_GT(expected.size(), 1000u);
    for (const int num_threads : {2, 5})
      EXPECT_EQ(TablesOf(folder, photos, num_threads, precision), expected) << precision << num_threads;
  }
}

}  // namespace
}  // namespace colmatch
