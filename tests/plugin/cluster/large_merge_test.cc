// Merging many pairs: killed half way, and in the order of the pairs' numbers.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "database_io/colmap_database.h"
#include "plugin/cluster/merge_pipeline.h"
#include "plugin/cluster/plan_pipeline.h"
#include "plugin/cluster/record_file.h"
#include "plugin/extraction/cluster_records.h"
#include "tests/plugin/cluster/cluster_test_util.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Many images of one keypoint, and shards that hold all their pairs.
class LargeMerge : public testing::Test {
 protected:
  static constexpr int kImages = 220, kBlocks = 40;  // 24,090 pairs

  void SetUp() override {
    MakeDatabase();
    PlanOptions plan;
    plan.output_path = folder_.File("plan");
    plan.num_blocks = kBlocks;
    MatchingPipelineOptions options = Matching(database_);
    options.matching.matcher = "nn";
    PlanMatches(plan, options, Common(), Exhaustive());
    manifest_ = ReadManifest(plan.output_path);
    for (int b = 0; b < kBlocks; ++b) WriteShard(b);
  }
  void MakeDatabase() const {
    ColmapDatabase database(database_, DatabaseMode::kCreateOrOpen);
    Transaction transaction = database.BeginTransaction();
    Camera camera;
    camera.model_id = 2;
    camera.width = camera.height = 100;
    camera.params = {100, 50, 50, 0};
    const camera_t camera_id = database.AddCamera(camera);
    for (int i = 0; i < kImages; ++i) {
      Image image;
      image.name = std::to_string(i) + ".jpg";
      image.camera_id = camera_id;
      const image_t id = database.AddImage(image);
      KeypointsBlob keypoints;
      keypoints.rows = 1;
      keypoints.xy = {50.f, 50.f};
      database.WriteKeypoints(id, keypoints);
      Descriptors descriptors;
      descriptors.rows = 1;
      descriptors.dim = 4;
      descriptors.values = {1, 0, 0, 0};
      database.WriteDescriptors(id, descriptors);
      database.WriteImageProvenance(id, "made up", {1.f});
    }
    transaction.Commit();
  }
  void WriteShard(int b) const {
    const MatchBlock block = ReadMatchBlock(manifest_, b);
    std::vector<ImagePair> pairs;
    for (const auto& [i, j] : block.pairs)
      pairs.emplace_back(block.images[i].image_id, block.images[j].image_id);
    std::sort(pairs.begin(), pairs.end());
    RecordWriter shard(manifest_.ShardPath(b), manifest_.ShardHeader(b));
    for (const auto& [id1, id2] : pairs) {
      PairRecord record;
      record.image_id1 = id1;
      record.image_id2 = id2;
      record.matches = record.geometry.inlier_matches = {{0, 0}};
      record.confidences = {static_cast<float>(id1) / static_cast<float>(id2)};
      record.geometry.config = TwoViewConfig::kUncalibrated;
      record.geometry.F = Matrix3{1, 0, 0, 0, 1, 0, 0, 0, static_cast<double>(id2)};
      shard.Append(EncodePair(record));
    }
    shard.Close();
  }

  // Merges in a process of its own, which is killed as soon as so many pairs are there.
  void KillMergeAt(int64_t num_pairs) const {
    const pid_t child = fork();
    if (child == 0) {
      const std::string program = std::string(COLMATCH_BINARY_DIR) + "/colmatch";
      execl(program.c_str(), "colmatch", "merge", "--manifest", manifest_.folder.c_str(), "--database_path",
            database_.c_str(), "--progress", "off", "--log_level", "off", nullptr);
      _exit(127);
    }
    int status = 0;
    {
      Connection watch(database_, OpenMode::kReadOnly);
      while (watch.QueryInt64("SELECT count(*) FROM matches") < num_pairs) {
        if (waitpid(child, &status, WNOHANG) == child) {
          ADD_FAILURE() << "merge ended with status " << status;
          return;
        }
        usleep(1000);
      }
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }

  TemporaryFolder folder_;
  const std::string database_ = folder_.File("x.db");
  Manifest manifest_;
};

TEST_F(LargeMerge, KilledAnywhereAndRunAgainEndsInTheSameTables) {
  const std::string whole = folder_.File("whole.db");
  fs::copy_file(database_, whole);
  MergeOptions options;
  options.manifest_path = manifest_.folder;
  options.database_path = whole;
  EXPECT_EQ(Merge(options, Common()).merged, kImages * (kImages - 1) / 2);
  constexpr int64_t kPairs = kImages * (kImages - 1) / 2;
  int killed_half_way = 0;
  for (const int64_t at : {int64_t{1}, kPairs / 3, 2 * kPairs / 3}) {
    KillMergeAt(at);
    const auto found = ColmapDatabase(database_, DatabaseMode::kOpenExisting).Counts();
    EXPECT_EQ(found.matched_pairs, found.two_view_geometries) << "half a pair";
    EXPECT_GE(found.matched_pairs, at);
    killed_half_way += found.matched_pairs < kPairs;
  }
  options.database_path = database_;
  Merge(options, Common());
  EXPECT_EQ(PairRows(database_), PairRows(whole));
  if (killed_half_way == 0) GTEST_SKIP() << "this machine merged everything before it was killed";
}

TEST_F(LargeMerge, RowsAreWrittenInTheOrderOfPairIdsWhateverTheBlocks) {
  MergeOptions options;
  options.manifest_path = manifest_.folder;
  options.database_path = database_;
  Merge(options, Common());
  // Appended in order, a table has its pages nearly full; in any other order they are split in halves.
  Connection connection(database_, OpenMode::kReadOnly);
  const double bytes = static_cast<double>(connection.QueryInt64("PRAGMA page_count")) *
                       static_cast<double>(connection.QueryInt64("PRAGMA page_size"));
  const double payload = static_cast<double>(
      connection.QueryInt64("SELECT sum(length(data)) FROM matches") +
      connection.QueryInt64("SELECT sum(length(data) + length(F)) FROM two_view_geometries") +
      connection.QueryInt64("SELECT sum(length(provenance) + length(scores)) FROM colmatch_pairs"));
  EXPECT_LT(bytes, 2 * payload);
}

}  // namespace
}  // namespace colmatch
