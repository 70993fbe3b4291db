// COLMAP as judge of the two-view geometry: pycolmap on the same synthetic pairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/plugin/synthetic_pair.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

// What pycolmap says about a pair: the configuration and which matches are inliers.
struct Verdict {
  int config = -1;
  Matches inlier_matches;
};

std::string PairAsText(const SyntheticPair& pair) {
  std::ostringstream text;
  text.precision(17);
  for (const Camera* camera : {&pair.camera1, &pair.camera2}) {
    text << camera->camera_id << ' ' << camera->width << ' ' << camera->height << ' '
         << camera->has_prior_focal_length;
    for (const double value : camera->params) text << ' ' << value;
    text << '\n';
  }
  for (const auto& match : pair.matches) {
    text << pair.points1[match[0]].transpose() << ' ' << pair.points2[match[1]].transpose() << '\n';
  }
  return text.str();
}

// One process for all pairs: starting Python takes longer than its work.
std::vector<Verdict> AskPycolmap(const std::string& python, const std::vector<SyntheticPair>& pairs) {
  const TemporaryFolder folder;
  const std::string output = (folder.path() / "verdicts.txt").string();
  std::string command = "'" + python + "' '" COLMATCH_SOURCE_DIR "/tests/plugin/pycolmap_two_view.py'";
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    command += " '" + folder.Write(std::to_string(i), PairAsText(pairs[i])).string() + "'";
  }
  std::vector<Verdict> verdicts;
  if (std::system((command + " > '" + output + "'").c_str()) != 0) return verdicts;
  std::ifstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Verdict verdict;
    fields >> verdict.config;
    for (std::size_t match; fields >> match;) {
      verdict.inlier_matches.push_back(pairs[verdicts.size()].matches.at(match));
    }
    verdicts.push_back(verdict);
  }
  return verdicts;
}

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
