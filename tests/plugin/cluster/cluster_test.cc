// Plans, blocks and merges: the same tables as the commands of one machine, whatever happens on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>
#include <utility>

#include "database_io/colmap_database.h"
#include "database_io/sqlite.h"
#include "plugin/cluster/block_pipeline.h"
#include "plugin/cluster/given_options.h"
#include "plugin/cluster/merge_pipeline.h"
#include "plugin/cluster/plan_pipeline.h"
#include "plugin/extraction/cluster_records.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_pipeline.h"
#include "tests/plugin/cluster/cluster_test_util.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string>& ExtractionArguments() {
  static const std::vector<std::string> arguments = {"--SuperPoint.max_num_features", "200"};
  return arguments;
}

FeaturePipelineOptions Extraction(const fs::path& photos, const std::string& database) {
  FeaturePipelineOptions options = ExtractionOptionsOf(ExtractionArguments());
  options.image_path = photos;
  options.database_path = database;
  return options;
}

std::string FeatureRows(const std::string& path) {
  return Rows(path, {"cameras", "images", "keypoints", "descriptors", "colmatch_images", "rigs", "frames",
                     "frame_data"});
}

// The four photos and one that is none, by the commands of one machine; made once.
class Cluster : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    CopyOfTestPhotos(*folder_);
    folder_->Write("photos/courtyard_01b.jpg", std::string("no photo"));
    ExtractCollection(Extraction(Photos(), Features()), Common());
    fs::copy_file(Features(), Matched());
    MatchExhaustively(Matching(Matched()), Common());
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string Photos() { return folder_->File("photos"); }
  static std::string Features() { return folder_->File("features.db"); }
  static std::string Matched() { return folder_->File("matched.db"); }

  std::string File(const std::string& name) const { return own_.File(name); }
  // A copy of the database with features and without pairs.
  std::string Unmatched(const std::string& name) const {
    fs::copy_file(Features(), File(name));
    return File(name);
  }
  Manifest PlanPairs(const std::string& name, int num_blocks) const {
    PlanOptions plan;
    plan.output_path = File(name);
    plan.num_blocks = num_blocks;
    PlanMatches(plan, Matching(Features()), Common(), Exhaustive());
    return ReadManifest(plan.output_path);
  }
  static BlockStats Match(const Manifest& manifest, int block) {
    BlockOptions options;
    options.manifest_path = manifest.folder;
    options.block = block;
    return MatchBlockOfPlan(options, Common());
  }
  static void MatchAll(const Manifest& manifest) {
    std::vector<int> blocks(manifest.blocks.size());
    std::iota(blocks.begin(), blocks.end(), 0);
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(5));
    for (const int block : blocks) Match(manifest, block);
  }
  static MergeStats MergeInto(const std::string& database, const Manifest& manifest, bool partial = false) {
    MergeOptions options;
    options.manifest_path = manifest.folder;
    options.database_path = database;
    options.partial = partial;
    return Merge(options, Common());
  }

  static TemporaryFolder* folder_;
  TemporaryFolder own_;
};
TemporaryFolder* Cluster::folder_ = nullptr;

TEST_F(Cluster, MatchingInBlocksGivesTheTablesOfOneMachineByteForByte) {
  for (const int num_blocks : {1, 2, 7}) {  // of 6 pairs
    const Manifest manifest = PlanPairs("plan" + std::to_string(num_blocks), num_blocks);
    EXPECT_EQ(manifest.blocks.size(), static_cast<size_t>(std::min(num_blocks, 6)));
    const std::string database = Unmatched("merged" + std::to_string(num_blocks) + ".db");
    MatchAll(manifest);
    EXPECT_EQ(MergeInto(database, manifest).merged, 6);
    EXPECT_EQ(PairRows(database), PairRows(Matched())) << num_blocks;
    EXPECT_EQ(FeatureRows(database), FeatureRows(Matched()));
  }
}

TEST_F(Cluster, ExtractionInBlocksGivesTheTablesOfOneMachineByteForByte) {
  for (const int num_blocks : {1, 3}) {
    PlanOptions plan;
    plan.output_path = File("features" + std::to_string(num_blocks));
    plan.num_blocks = num_blocks;
    plan.given = ExtractionArguments();
    EXPECT_EQ(PlanFeatures(plan, Extraction(Photos(), ""), Common()).num_blocks, num_blocks);
    const Manifest manifest = ReadManifest(plan.output_path);
    for (int block = num_blocks - 1; block >= 0; --block) {
      BlockOptions options;
      options.manifest_path = plan.output_path;
      options.block = block;
      EXPECT_FALSE(ExtractBlock(options, Common()).was_there);
      EXPECT_TRUE(ExtractBlock(options, Common()).was_there);
    }
    const std::string database = File("extracted" + std::to_string(num_blocks) + ".db");
    const MergeStats stats = MergeInto(database, manifest);
    EXPECT_EQ(stats.merged, 4);
    ASSERT_EQ(stats.skipped.size(), 1u);
    EXPECT_EQ(stats.skipped[0].name, "courtyard_01b.jpg");
    EXPECT_EQ(FeatureRows(database), FeatureRows(Features()));
    EXPECT_EQ(MergeInto(database, manifest).already_there, 4);
    EXPECT_EQ(FeatureRows(database), FeatureRows(Features()));

    // The pairs are then matched from the very shards.
    PlanOptions pairs;
    pairs.output_path = File("pairs" + std::to_string(num_blocks));
    pairs.num_blocks = 2;
    pairs.feature_plan_path = plan.output_path;
    PlanMatches(pairs, Matching(database), Common(), Exhaustive());
    const Manifest matches = ReadManifest(pairs.output_path);
    MatchAll(matches);
    MergeInto(database, matches);
    EXPECT_EQ(PairRows(database), PairRows(Matched()));
  }
}

TEST_F(Cluster, DescriptorsMayStayInTheShardsAndOneMachineSaysThatItNeedsThem) {
  PlanOptions plan;
  plan.output_path = File("features");
  plan.given = ExtractionArguments();
  PlanFeatures(plan, Extraction(Photos(), ""), Common());
  BlockOptions block;
  block.manifest_path = plan.output_path;
  block.block = 0;
  ExtractBlock(block, Common());
  MergeOptions merge;
  merge.manifest_path = plan.output_path;
  merge.database_path = File("x.db");
  merge.descriptors = false;
  EXPECT_EQ(Merge(merge, Common()).merged, 4);
  const auto counts = ColmapDatabase(File("x.db"), DatabaseMode::kReadOnly).Counts();
  EXPECT_EQ(counts.images_with_descriptors, 4) << "COLMAP's extractor would add SIFT's";
  EXPECT_THROW(MatchExhaustively(Matching(File("x.db")), Common()), UsageError);

  PlanOptions pairs;
  pairs.output_path = File("pairs");
  EXPECT_THROW(PlanMatches(pairs, Matching(File("x.db")), Common(), Exhaustive()), UsageError);
  pairs.feature_plan_path = plan.output_path;
  PlanMatches(pairs, Matching(File("x.db")), Common(), Exhaustive());
  MatchAll(ReadManifest(pairs.output_path));
  MergeInto(File("x.db"), ReadManifest(pairs.output_path));
  EXPECT_EQ(PairRows(File("x.db")), PairRows(Matched()));
}

TEST_F(Cluster, TheSamePlanTwiceIsOneAndAnotherIntoItsFolderIsRefused) {
  const Manifest manifest = PlanPairs("plan", 2);
  const auto written = fs::last_write_time(ManifestPath(File("plan")));
  EXPECT_EQ(PlanPairs("plan", 2).hash, manifest.hash);
  EXPECT_EQ(fs::last_write_time(ManifestPath(File("plan"))), written);
  EXPECT_EQ(PlanPairs("plan", 3).hash, manifest.hash) << "the same pairs, dealt before";
  PlanOptions plan;
  plan.output_path = File("plan");
  MatchingPipelineOptions options = Matching(Features());
  options.matching.superglue.match_threshold = 0.5;
  EXPECT_THROW(PlanMatches(plan, options, Common(), Exhaustive()), UsageError);
  EXPECT_EQ(ReadManifest(File("plan")).hash, manifest.hash);
}

TEST_F(Cluster, ABlockThatIsDoneIsPassedOverAndADamagedOrForeignOneIsMadeAnew) {
  const Manifest manifest = PlanPairs("plan", 2), other = PlanPairs("other", 3);
  EXPECT_FALSE(Match(manifest, 0).was_there);
  const std::string path = manifest.ShardPath(0), whole = ReadWholeFile(path);
  EXPECT_TRUE(Match(manifest, 0).was_there);
  for (const size_t size : {size_t{0}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
    WriteFileAtomically(path, whole.substr(0, size));
    EXPECT_FALSE(Match(manifest, 0).was_there) << size;
    EXPECT_EQ(ReadWholeFile(path), whole);
  }
  Match(other, 0);
  fs::copy_file(other.ShardPath(0), path, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(Match(manifest, 0).was_there);
  EXPECT_EQ(ReadWholeFile(path), whole);
  EXPECT_THROW(Match(manifest, 2), UsageError);
  EXPECT_THROW(Match(manifest, -1), UsageError);
}

TEST_F(Cluster, MergeNamesMissingDamagedAndForeignBlocksAndWritesNothing) {
  const Manifest manifest = PlanPairs("plan", 6), other = PlanPairs("other", 5);
  const std::string database = Unmatched("x.db");
  for (const int block : {0, 3, 4}) Match(manifest, block);
  Match(other, 3);
  fs::copy_file(other.ShardPath(3), manifest.ShardPath(3), fs::copy_options::overwrite_existing);
  fs::resize_file(manifest.ShardPath(4), 50);
  try {
    MergeInto(database, manifest);
    FAIL() << "merged a plan that is not done";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("blocks 1-2,5 are missing"));
    EXPECT_THAT(error.what(), HasSubstr("block 4 is damaged"));
    EXPECT_THAT(error.what(), HasSubstr("block 3 is of another plan"));
  }
  EXPECT_EQ(PairRows(database), PairRows(Features()));
  EXPECT_EQ(MergeInto(database, manifest, true).merged, 1);
  MatchAll(manifest);
  const MergeStats rest = MergeInto(database, manifest);
  EXPECT_EQ(rest.merged, 5);
  EXPECT_EQ(rest.already_there, 1);
  EXPECT_EQ(PairRows(database), PairRows(Matched()));
}

TEST_F(Cluster, MergingThreeTimesIsMergingOnceAndPairsThatAreThereAreNotPlanned) {
  const Manifest manifest = PlanPairs("plan", 2);
  const std::string database = Unmatched("x.db");
  MatchAll(manifest);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(MergeInto(database, manifest).already_there, i == 0 ? 0 : 6);
    EXPECT_EQ(PairRows(database), PairRows(Matched()));
  }
  EXPECT_EQ(MergeInto(Matched(), manifest).already_there, 6) << "one machine has matched them";
  PlanOptions plan;
  plan.output_path = File("rest");
  const PlanStats stats = PlanMatches(plan, Matching(database), Common(), Exhaustive());
  EXPECT_EQ(stats.already_there, 6);
  EXPECT_EQ(stats.num_blocks, 0);
  EXPECT_EQ(MergeInto(database, ReadManifest(File("rest"))).merged, 0);
}

TEST_F(Cluster, MergeRefusesADatabaseOfOtherFeaturesOrOptions) {
  const Manifest manifest = PlanPairs("plan", 1);
  MatchAll(manifest);
  FeaturePipelineOptions fewer = Extraction(Photos(), File("fewer.db"));
  fewer.keypoints.max_num_features = 100;
  ExtractCollection(fewer, Common());
  EXPECT_THROW(MergeInto(File("fewer.db"), manifest), UsageError);
  EXPECT_EQ(ColmapDatabase(File("fewer.db"), DatabaseMode::kReadOnly).Counts().matched_pairs, 0);

  const std::string database = Unmatched("x.db");
  MatchingPipelineOptions options = Matching(database);
  options.matching.superglue.match_threshold = 0.5;
  MatchExhaustively(options, Common());
  const std::string before = PairRows(database);
  EXPECT_THROW(MergeInto(database, manifest), UsageError);
  EXPECT_EQ(PairRows(database), before);
  EXPECT_THROW(MergeInto(File("missing.db"), manifest), EnvironmentError);
}

TEST_F(Cluster, ATaskWithOtherWeightsIsRefused) {
  const Manifest manifest = PlanPairs("plan", 1);
  BlockOptions options;
  options.manifest_path = manifest.folder;
  options.block = 0;
  options.weights = "default";
  EXPECT_THROW(MatchBlockOfPlan(options, Common()), WeightsError);
  EXPECT_FALSE(fs::exists(manifest.ShardPath(0)));
}

TEST_F(Cluster, AManifestThatIsMissingDamagedOrOfAnotherKindIsNamed) {
  EXPECT_THROW(ReadManifest(File("nowhere")), EnvironmentError);
  const Manifest manifest = PlanPairs("plan", 1);
  const PlanKind features = PlanKind::kFeatures;
  EXPECT_THROW(ReadManifest(manifest.folder, &features), UsageError);
  const std::string path = ManifestPath(manifest.folder), bytes = ReadWholeFile(path);
  WriteFileAtomically(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(ReadManifest(path), InputError);
  std::string newer = bytes;
  newer.replace(newer.find("\"format\": 1"), 11, "\"format\": 2");
  WriteFileAtomically(path, newer);
  EXPECT_THROW(ReadManifest(path), InputError);
}

TEST_F(Cluster, TheProgramRunsAPlanFromThePhotosToTheDatabaseWithItsExitStatuses) {
  const std::string work = File("work"),
                    list = own_.Write("pairs.txt", std::string("# two\n"
                                                               "courtyard_00.jpg courtyard_01.jpg\n"
                                                               "courtyard_01.jpg courtyard_00.jpg\n"));
  const std::string database = Unmatched("x.db");
  const std::vector<std::string> common = {"--num_threads", "1", "--progress", "off"};
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), common.begin(), common.end());
    return RunColmatch(arguments);
  };
  EXPECT_EQ(run({"plan", "--output_path", work}).status, 1);
  EXPECT_EQ(run({"plan", "--output_path", work, "--database_path", database, "--pairs", "none"}).status, 1);
  const ProgramResult planned =
      run({"plan", "--output_path", work, "--database_path", database, "--pairs", "list", "--match_list_path",
           list, "--weights", "fast", "--SuperGlue.sinkhorn_iterations", "20"});
  EXPECT_EQ(planned.status, 0) << planned.output;
  EXPECT_THAT(planned.output, HasSubstr("1 pairs in 1 blocks"));
  const ProgramResult todo = run({"plan_status", "--manifest", work, "--list", "1"});
  EXPECT_EQ(todo.output, "0\n");
  EXPECT_EQ(run({"plan_status", "--manifest", work}).status, 2);
  EXPECT_EQ(run({"merge", "--manifest", work, "--database_path", database}).status, 3);
  EXPECT_EQ(run({"match_block", "--manifest", work, "--block", "0"}).status, 0);
  EXPECT_THAT(run({"match_block", "--manifest", work, "--block", "0"}).output,
              HasSubstr("was there already"));
  EXPECT_EQ(run({"extract_block", "--manifest", work, "--block", "0"}).status, 1);
  EXPECT_EQ(run({"plan_status", "--manifest", work}).status, 0);
  const ProgramResult merged = run({"merge", "--manifest", work, "--database_path", database});
  EXPECT_EQ(merged.status, 0) << merged.output;
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  EXPECT_EQ(opened.Counts().matched_pairs, 1);
  EXPECT_THAT(opened.ReadPairProvenance(1, 2)->text, HasSubstr("sinkhorn_iterations 20"));
}

TEST_F(Cluster, PhotosOfACollectionToo) {
  const fs::path photos = fs::path(COLMATCH_SOURCE_DIR) / "../shared/data/sfm/Herz-Jesus-P8/images";
  if (!fs::exists(photos)) GTEST_SKIP() << photos << " is not here";
  const std::vector<std::string> given = {"--SuperPoint.max_num_features", "200",
                                          "--SuperPoint.max_image_size", "320"};
  FeaturePipelineOptions extraction = ExtractionOptionsOf(given);
  extraction.image_path = photos;
  extraction.database_path = File("one.db");
  ExtractCollection(extraction, Common());
  MatchExhaustively(Matching(File("one.db")), Common());

  PlanOptions plan;
  plan.output_path = File("features");
  plan.num_blocks = 2;
  plan.given = given;
  PlanFeatures(plan, extraction, Common());
  for (const int b : {1, 0}) {
    BlockOptions block;
    block.manifest_path = plan.output_path;
    block.block = b;
    ExtractBlock(block, Common());
  }
  MergeInto(File("x.db"), ReadManifest(plan.output_path));
  EXPECT_EQ(FeatureRows(File("x.db")), FeatureRows(File("one.db")));
  PlanOptions pairs;
  pairs.output_path = File("matches");
  pairs.num_blocks = 7;
  pairs.feature_plan_path = plan.output_path;
  EXPECT_EQ(PlanMatches(pairs, Matching(File("x.db")), Common(), Exhaustive()).num_items, 28);
  MatchAll(ReadManifest(pairs.output_path));
  EXPECT_EQ(MergeInto(File("x.db"), ReadManifest(pairs.output_path)).merged, 28);
  EXPECT_EQ(PairRows(File("x.db")), PairRows(File("one.db")));
}

TEST(Ranges, AreWrittenAsSlurmTakesThem) {
  EXPECT_EQ(Ranges({}), "");
  EXPECT_EQ(Ranges({5}), "5");
  EXPECT_EQ(Ranges({0, 1, 2, 7, 9, 10}), "0-2,7,9-10");
}

}  // namespace
}  // namespace colmatch
