// Tests of features kept in a file: what they are made by is noted, and a signal leaves no half file.
#include "plugin/experiments/cached_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <string>

#include "network/kernels/bf16.h"
#include "plugin/runtime/stop_signal.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class CachedFeaturesTest : public ::testing::Test {
 protected:
  CachedFeaturesTest() {
    torch::manual_seed(3);
    superpoint_.network = SuperPoint(SuperPointArchitecture{{4, 4, 8, 8}, 8, 8, false});
    superpoint_.sha256 = "abc";
    photo_.width = 96;
    photo_.height = 80;
    for (int i = 0; i < 96 * 80; ++i) photo_.pixels.push_back(static_cast<uint8_t>(i * 7919 % 251));
    options_.num_keypoints = 8;
    options_.view_width = 64;
    options_.view_height = 48;
    options_.scenes_per_photo = 0;
  }

  FeatureSet Make(Precision precision) {
    return LoadOrMakeFeatures(path_, superpoint_, precision, {photo_}, options_, "features", "off");
  }

  TemporaryFolder folder_;
  std::string path_ = (fs::path(folder_.path()) / "features.pt").string();
  LoadedSuperPoint superpoint_;
  ShardPhoto photo_;
  FeatureSetOptions options_;
};

TEST_F(CachedFeaturesTest, AFileIsTakenOnlyForThePrecisionItWasMadeIn) {
  if (!HasBf16Instructions()) GTEST_SKIP() << "this CPU has no bf16 instructions: both precisions are one";
  const FeatureSet made = Make(Precision::kBf16);
  EXPECT_THAT(made.provenance, HasSubstr("precision bf16"));
  EXPECT_TRUE(Make(Precision::kBf16).keypoints.equal(made.keypoints));
  EXPECT_THROW(Make(Precision::kFloat32), UsageError);
}

TEST_F(CachedFeaturesTest, ASignalEndsTheMakingWithItsStatusAndLeavesNoFile) {
  RequestStop();
  try {
    Make(Precision::kFloat32);
    ADD_FAILURE() << "went on after the signal";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_status(), 130);
    EXPECT_THAT(error.what(), HasSubstr("the same command begins them again"));
  }
  ForgetStop();
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_EQ(Make(Precision::kFloat32).num_photos(), 1);
}

}  // namespace
}  // namespace colmatch
