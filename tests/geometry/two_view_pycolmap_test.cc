// COLMAP as judge of the two-view geometry: pycolmap on the same synthetic pairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/geometry/pycolmap_verdict.h"
#include "tests/geometry/synthetic_pair.h"

namespace colmatch {
namespace {

std::vector<SyntheticOptions> JudgedCases() {
  std::vector<SyntheticOptions> cases;
  for (const SyntheticScene scene :
       {SyntheticScene::kGeneral, SyntheticScene::kPlane, SyntheticScene::kRotation}) {
    for (const bool is_calibrated : {true, false}) {
      for (const double outlier_ratio : {0.3, 0.6}) {
        SyntheticOptions options;
        options.scene = scene;
        options.is_calibrated = is_calibrated;
        options.outlier_ratio = outlier_ratio;
        options.noise_px = outlier_ratio > 0.5 ? 0.3 : 1.0;
        if (!is_calibrated || scene != SyntheticScene::kGeneral) options.params = {800, 500, 375, 0.0};
        cases.push_back(options);
      }
    }
  }
  return cases;
}

TEST(TwoViewGeometryJudge, PycolmapAgreesOnConfigurationAndInliers) {
  const char* python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (!python) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap";
  const std::vector<SyntheticOptions> cases = JudgedCases();
  std::vector<SyntheticPair> pairs;
  for (const SyntheticOptions& options : cases) pairs.push_back(MakeSyntheticPair(options));
  const std::vector<Verdict> verdicts = AskPycolmap(python, pairs);
  ASSERT_EQ(verdicts.size(), pairs.size());

  for (std::size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "scene " << static_cast<int>(cases[i].scene) << " calibrated "
                                    << cases[i].is_calibrated << " outliers " << cases[i].outlier_ratio
                                    << " noise " << cases[i].noise_px);
    const TwoViewGeometry geometry = Estimate(pairs[i], WithPose());
    const int config = static_cast<int>(geometry.config);
    if (cases[i].scene == SyntheticScene::kRotation && cases[i].noise_px > 0.5) {
      // Noise of this size is at COLMAP's tolerance for a rotation, on either side of it.
      const auto either = testing::AnyOf(static_cast<int>(TwoViewConfig::kPlanar),
                                         static_cast<int>(TwoViewConfig::kPanoramic));
      EXPECT_THAT(config, either);
      EXPECT_THAT(verdicts[i].config, either);
    } else {
      EXPECT_EQ(config, verdicts[i].config);
    }
    TwoViewGeometry judged;
    judged.inlier_matches = verdicts[i].inlier_matches;
    const double num_true = QualityOf(pairs[i], geometry).recall,
                 judged_true = QualityOf(pairs[i], judged).recall;
    EXPECT_NEAR(num_true, judged_true, 0.02);
    // The fundamental matrix of a plane or a rotation is not determined: it picks up outliers at will,
    // COLMAP's too.
    const double tolerance = cases[i].scene == SyntheticScene::kGeneral ? 0.02 : 0.05;
    EXPECT_NEAR(geometry.inlier_matches.size(), judged.inlier_matches.size(),
                tolerance * judged.inlier_matches.size());
  }
}

}  // namespace
}  // namespace colmatch
