// `colmatch train` from outside: which cached features are taken, and what the weights' card claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network/formats/safetensors.h"
#include "network/weights.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "training/data/reconstruction.h"
#include "training/data/shards.h"
#include "util/byte_stream.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

using Arguments = std::vector<std::string>;

const std::string kSuperPoint = std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superpoint.safetensors";

// A shard of two photos, and a SuperGlue that was trained on it for a step, made once a program.
struct Trained {
  TemporaryFolder folder;
  ProgramResult result;

  Trained() {
    CopyTwoTestPhotos(folder.path() / "photos");
    result = RunColmatch({"prepare_shards", "--image_path", folder.File("photos"), "--output",
                          folder.File("a.shard"), "--num_warps", "2", "--max_image_size", "160",
                          "--num_threads", "1"});
    if (result.status == 0) result = SuperGlue("first");
  }
  ProgramResult SuperGlue(const std::string& run, const Arguments& more = {},
                          const std::string& superpoint = kSuperPoint) const {
    Arguments arguments = {"train",
                           "superglue",
                           "--shards",
                           folder.File("a.shard"),
                           "--superpoint",
                           superpoint,
                           "--output",
                           folder.File(run),
                           "--num_steps",
                           "1",
                           "--SuperGlue.views_per_photo",
                           "2",
                           "--SuperGlue.num_layer_pairs",
                           "1",
                           "--SuperGlue.batch_size",
                           "1",
                           "--SuperGlue.min_keypoints",
                           "16",
                           "--SuperGlue.max_keypoints",
                           "32",
                           "--num_threads",
                           "1"};
    for (const std::string& argument : more) {
      const auto same = std::find(arguments.begin(), arguments.end(), argument);
      if (same != arguments.end() && argument.rfind("--", 0) == 0) arguments.erase(same, same + 2);
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunColmatch(arguments);
  }
  std::string Features() const { return folder.File("first/features.pt"); }
  std::map<std::string, std::string> Card(const std::string& run) const {
    return ReadSafetensors(folder.File(run + "/superglue.safetensors")).metadata;
  }
};

const Trained& TrainedOnce() {
  static const Trained trained;
  return trained;
}

class TrainCommand : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(trained_.result.status, 0) << trained_.result.output; }
  const Trained& trained_ = TrainedOnce();
};

TEST_F(TrainCommand, FeaturesOfTheSameOriginAreTakenAgain) {
  const auto before = fs::last_write_time(trained_.Features());
  const ProgramResult result = trained_.SuperGlue("second", {"--features", trained_.Features()});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(fs::last_write_time(trained_.Features()), before);
  EXPECT_FALSE(fs::exists(trained_.folder.path() / "second/features.pt"));
}

TEST_F(TrainCommand, FeaturesOfOtherSeedsViewsOrWeightsAreRefusedByName) {
  // Another file of nearly the same network: the default weights are kept in float16.
  const std::string wide = trained_.folder.File("wide.safetensors");
  ASSERT_EQ(RunColmatch({"weights", "export", kSuperPoint, "--output", wide, "--type", "fp32"}).status, 0);
  const std::string before = ReadWholeFile(trained_.Features());
  const struct {
    Arguments more;
    std::string superpoint, found;
  } cases[] = {{{"--random_seed", "7"}, kSuperPoint, "seed is 0, expected 7"},
               {{"--SuperGlue.views_per_photo", "3"}, kSuperPoint, "views_per_photo is 2, expected 3"},
               {{}, wide, "superpoint is " + Sha256Hex(ReadWholeFile(kSuperPoint)) + ", expected "}};
  for (const auto& c : cases) {
    Arguments more = c.more;
    more.insert(more.end(), {"--features", trained_.Features()});
    const ProgramResult result = trained_.SuperGlue("refused", more, c.superpoint);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_THAT(result.output,
                AllOf(HasSubstr(trained_.Features()), HasSubstr(c.found), HasSubstr("delete")));
  }
  EXPECT_EQ(ReadWholeFile(trained_.Features()), before);
}

TEST_F(TrainCommand, TheCardNamesTheWeightsItCameFrom) {
  const std::string first = trained_.folder.File("first/superglue.safetensors");
  const ProgramResult result =
      trained_.SuperGlue("tuned", {"--features", trained_.Features(), "--initial", first});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(trained_.Card("tuned")["initial_sha256"], Sha256Hex(ReadWholeFile(first)));
  EXPECT_EQ(trained_.Card("tuned")["superpoint_sha256"], Sha256Hex(ReadWholeFile(kSuperPoint)));
  EXPECT_EQ(trained_.Card("first").count("initial_sha256"), 0u);
}

TEST_F(TrainCommand, GoingOnFromANarrowedNetworkKeepsItsSizesAlsoWhenItBecomesDeeper) {
  SuperGlueArchitecture narrow{128, {32, 64, 128}, 1};
  narrow.num_heads = 2;
  narrow.attention_dim = 32;
  narrow.mlp_hidden = 48;
  narrow.batch_norm = false;
  SaveSuperGlue(colmatch::SuperGlue(narrow), {}, trained_.folder.File("narrow.safetensors"));
  const ProgramResult result = trained_.SuperGlue(
      "deeper", {"--features", trained_.Features(), "--initial", trained_.folder.File("narrow.safetensors"),
                 "--SuperGlue.num_layer_pairs", "2"});
  ASSERT_EQ(result.status, 0) << result.output;
  auto card = trained_.Card("deeper");
  EXPECT_EQ(card["num_layer_pairs"], "2");
  EXPECT_EQ(card["num_heads"], "2");
  EXPECT_EQ(card["attention_dim"], "32");
  EXPECT_EQ(card["mlp_hidden"], "48");
}

TEST_F(TrainCommand, ATeacherIsFollowedAndNamedInTheCard) {
  const std::string teacher = trained_.folder.File("first/superglue.safetensors");
  const Arguments features = {"--features", trained_.Features(), "--SuperGlue.num_layer_pairs", "2"};
  Arguments taught = features;
  taught.insert(taught.end(), {"--teacher", teacher, "--teacher_weight", "1"});
  ASSERT_EQ(trained_.SuperGlue("alone", features).status, 0);
  const ProgramResult result = trained_.SuperGlue("taught", taught);
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(trained_.Card("taught")["teacher_sha256"], Sha256Hex(ReadWholeFile(teacher)));
  EXPECT_EQ(trained_.Card("alone").count("teacher_sha256"), 0u);
  const auto weights = [&](const std::string& run) {
    return ReadSafetensors(trained_.folder.File(run + "/superglue.safetensors"))
        .tensors.at("final_proj.weight")
        .bytes;
  };
  EXPECT_NE(weights("taught"), weights("alone"));
}

TEST_F(TrainCommand, ATeacherOfOtherDescriptorsIsRefused) {
  SuperGlueArchitecture other;
  other.descriptor_dim = 8;
  const std::string teacher = trained_.folder.File("other.safetensors");
  SaveSuperGlue(colmatch::SuperGlue(other), {}, teacher);
  const ProgramResult result =
      trained_.SuperGlue("mistaught", {"--features", trained_.Features(), "--teacher", teacher});
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("--teacher"), HasSubstr("of 8 channels")));
}

// SuperPoint for two steps from the default weights.
ProgramResult SuperPointRun(const Trained& trained, const std::string& run, const Arguments& more) {
  Arguments arguments = {"train",
                         "superpoint",
                         "--shards",
                         trained.folder.File("a.shard"),
                         "--initial",
                         kSuperPoint,
                         "--output",
                         trained.folder.File(run),
                         "--num_steps",
                         "2",
                         "--warmup_steps",
                         "1",
                         "--SuperPoint.patch_width",
                         "128",
                         "--SuperPoint.patch_height",
                         "96",
                         "--SuperPoint.batch_size",
                         "2",
                         "--validate_every",
                         "0",
                         "--log_every",
                         "1",
                         "--num_threads",
                         "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunColmatch(arguments);
}

TEST_F(TrainCommand, SuperPointTrainsInBf16OnEveryCpu) {
  const ProgramResult result = SuperPointRun(trained_, "bf16", {"--precision", "bf16"});
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(TrainCommand, SuperPointLearnsATeachersDescriptorsAndRefusesThoseOfOtherPhotos) {
  const auto targets = [&](const std::string& prefix) {
    ByteWriter out("CMTEACH1");
    const auto photos = ReadShards({trained_.folder.File("a.shard")});
    out.Put(static_cast<uint32_t>(photos.size()));
    out.Put(uint32_t{128});
    for (const ShardPhoto& photo : photos) {
      out.PutText<uint16_t>(prefix + photo.name);
      out.Put(static_cast<uint16_t>(photo.width));
      out.Put(static_cast<uint16_t>(photo.height));
      out.Put(uint32_t{100});
      for (int i = 0; i < 100; ++i) {
        for (const int value : {10 + 13 * (i % 10), 8 + 9 * (i / 10), 1}) out.Put(static_cast<float>(value));
      }
      for (int i = 0; i < 100 * 128; ++i) out.Put(static_cast<uint16_t>(i % 129 == 0 ? 0x3C00 : 0));
    }
    trained_.folder.Write("a.targets", out.bytes());
    return trained_.folder.File("a.targets");
  };
  const ProgramResult result = SuperPointRun(
      trained_, "learned", {"--SuperPoint.targets", targets(""), "--SuperPoint.camera_changes", "0.5"});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(ReadWholeFile(trained_.folder.File("learned/log.txt")), HasSubstr("target_cosine"));
  const ProgramResult refused = SuperPointRun(trained_, "others", {"--SuperPoint.targets", targets("other")});
  EXPECT_EQ(refused.status, 2) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("none of the 2 photos"));
}

// The shard's photos as two views of a wall.
std::string Views() {
  const TemporaryFolder& folder = TrainedOnce().folder;
  std::vector<ReconstructedView> views;
  for (const ShardPhoto& photo : ReadShards({folder.File("a.shard")})) {
    ReconstructedView view{photo.name, photo.width, photo.height, photo.pixels, {}, {}};
    const double step = 0.2 * static_cast<double>(views.size());  // sideways, 5 before the wall
    view.projection = {100, 0, 80, 400 + 100 * step, 0, 100, 60, 300, 0, 0, 1, 5};
    for (uint64_t i = 0; i < 200; ++i)
      view.points.push_back(
          {i, 0.5 * static_cast<double>(i % 16) - 4, 0.5 * static_cast<double>(i / 16) - 3, 0});
    views.push_back(view);
  }
  WriteReconstruction(folder.File("wall.views"), views);
  return folder.File("wall.views");
}

TEST_F(TrainCommand, ViewsOfReconstructionsJoinTheWarpsAndAreKeptInAFileOfTheirOwn) {
  const Arguments more = {"--features", trained_.Features(), "--views", Views()};
  const ProgramResult result = trained_.SuperGlue("viewed", more);
  ASSERT_EQ(result.status, 0) << result.output;
  const std::string features = trained_.folder.File("viewed/view_features.pt");
  EXPECT_TRUE(fs::exists(features));
  Arguments other = more;
  other.insert(other.end(), {"--view_features", features, "--SuperGlue.groups_per_view", "7"});
  const ProgramResult refused = trained_.SuperGlue("refused_views", other);
  EXPECT_EQ(refused.status, 1) << refused.output;
  EXPECT_THAT(refused.output, AllOf(HasSubstr(features), HasSubstr("groups is ")));
}

TEST_F(TrainCommand, AFixedKeypointCodeIsSaidInTheCardAndKeptByWhatGoesOnFromIt) {
  const Arguments features = {"--features", trained_.Features()};
  Arguments more = features;
  more.insert(more.end(), {"--SuperGlue.keypoint_octaves", "5"});
  const ProgramResult result = trained_.SuperGlue("coded", more);
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(trained_.Card("coded")["keypoint_code"], "fixed");
  more = features;
  more.insert(more.end(), {"--initial", trained_.folder.File("coded/superglue.safetensors")});
  ASSERT_EQ(trained_.SuperGlue("coded_on", more).status, 0);
  EXPECT_EQ(trained_.Card("coded_on")["keypoint_code"], "fixed");
  EXPECT_EQ(trained_.Card("first").count("keypoint_code"), 0u);
}

Arguments TinySuperPoint(const std::string& run, const std::string& num_steps, const Arguments& more = {}) {
  const TemporaryFolder& folder = TrainedOnce().folder;
  Arguments arguments = {"train",
                         "superpoint",
                         "--shards",
                         folder.File("a.shard"),
                         "--output",
                         folder.File(run),
                         "--num_steps",
                         num_steps,
                         "--SuperPoint.encoder_widths",
                         "4,4,8,8",
                         "--SuperPoint.head_width",
                         "8",
                         "--SuperPoint.descriptor_dim",
                         "8",
                         "--SuperPoint.patch_width",
                         "64",
                         "--SuperPoint.patch_height",
                         "64",
                         "--SuperPoint.batch_size",
                         "1",
                         "--SuperPoint.num_correspondences",
                         "32",
                         "--num_threads",
                         "1",
                         "--checkpoint_every",
                         "0",
                         "--validate_every",
                         "0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string StepsOnTheCard(const std::string& run) {
  const std::string path = TrainedOnce().folder.File(run + "/superpoint.safetensors");
  return ReadSafetensors(path).metadata["training_steps"];
}

TEST_F(TrainCommand, TheCardOfAFinishedTrainingSaysTheStepsThatWereDone) {
  ASSERT_EQ(RunColmatch(TinySuperPoint("three", "3")).status, 0);
  EXPECT_EQ(StepsOnTheCard("three"), "3");
  ASSERT_EQ(RunColmatch(TinySuperPoint("three", "2", {"--resume"})).status, 0);
  EXPECT_EQ(StepsOnTheCard("three"), "3") << "fewer were requested than the checkpoint had";
}

TEST_F(TrainCommand, TheCardOfAStoppedTrainingDoesNotClaimTheStepsAskedFor) {
  const ProgramResult result = RunColmatch(TinySuperPoint("stopped", "1000000"), /*term_after_ms=*/4000);
  ASSERT_EQ(result.status, 143) << result.output;
  if (!fs::exists(trained_.folder.path() / "stopped/superpoint.safetensors")) {
    GTEST_SKIP() << "the signal came before the program could take it";
  }
  EXPECT_LT(std::stol(StepsOnTheCard("stopped")), 1000000);
}

TEST(TrainFolder, ARunFolderThatIsAFileIsAnEnvironmentError) {
  TemporaryFolder folder;
  const auto file = folder.Write("run", std::string("a file"));
  const ProgramResult result =
      RunColmatch({"train", "superpoint", "--shards", "none.shard", "--output", file});
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, HasSubstr("cannot make this folder"));
}

}  // namespace
}  // namespace colmatch
