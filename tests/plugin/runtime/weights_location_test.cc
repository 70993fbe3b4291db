// Which files --weights means.
#include "plugin/runtime/weights_location.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "network/formats/safetensors.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

TEST(ResolveWeights, AFolderHoldsBothNetworks) {
  TemporaryFolder folder;
  folder.Write("mine/superpoint.safetensors", std::string("a"));
  EXPECT_THROW(ResolveWeights(folder.path() / "mine"), UsageError);
  folder.Write("mine/superglue.safetensors", std::string("b"));
  const WeightsPaths paths = ResolveWeights(folder.path() / "mine");
  EXPECT_EQ(paths.superpoint, folder.path() / "mine/superpoint.safetensors");
  EXPECT_EQ(paths.superglue, folder.path() / "mine/superglue.safetensors");
}

TEST(ResolveWeights, ANameIsAFolderBelowTheUsersWeightsFolder) {
  TemporaryFolder folder;
  folder.Write("mine/superpoint.safetensors", std::string("a"));
  folder.Write("mine/superglue.safetensors", std::string("b"));
  setenv("COLMATCH_WEIGHTS", folder.path().c_str(), 1);
  EXPECT_EQ(ResolveWeights("mine").superpoint, folder.path() / "mine/superpoint.safetensors");
  unsetenv("COLMATCH_WEIGHTS");
  EXPECT_THROW(ResolveWeights("mine"), UsageError);
}

TEST(ResolveWeights, ASingleSuperPointBringsNoSuperGlueThatWasTrainedOnAnother) {
  TemporaryFolder folder;
  const auto path = folder.Write("sp.safetensors", std::string("a"));
  const WeightsPaths paths = ResolveWeights("superpoint=" + path.string());
  EXPECT_EQ(paths.superpoint, path);
  EXPECT_TRUE(paths.superglue.empty());
}

TEST(ResolveWeights, ASingleFileIsWhatItSaysOfItself) {
  TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& architecture) {
    SafetensorsFile file;
    file.metadata["architecture"] = architecture;
    return folder.Write(name, SerializeSafetensors(file, name)).string();
  };
  const std::string superpoint = write("a", "superpoint"), superglue = write("b", "superglue");
  EXPECT_EQ(ResolveWeights(superpoint).superpoint, superpoint);
  EXPECT_TRUE(ResolveWeights(superpoint).superglue.empty());
  EXPECT_EQ(ResolveWeights(superglue).superglue, superglue);
  EXPECT_EQ(ResolveWeights(superglue).superpoint, ResolveWeights("default").superpoint);
  EXPECT_THROW(ResolveWeights(write("c", "resnet")), WeightsError);
}

TEST(ResolveWeights, UnknownNamesKeysAndMissingFilesAreRefused) {
  TemporaryFolder folder;
  const auto path = folder.Write("sp.safetensors", std::string("a")).string();
  for (const std::string& weights :
       {std::string("no_such_name"), "superduper=" + path, std::string("superpoint=/no/such")}) {
    EXPECT_THROW(ResolveWeights(weights), UsageError) << weights;
  }
}

}  // namespace
}  // namespace colmatch
