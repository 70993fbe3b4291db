// Pairs of images that look alike: from a database of made-up descriptors, and from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <random>
#include <set>
#include <sstream>

#include "database_io/colmap_database.h"
#include "plugin/matching/retrieval_pairs.h"
#include "tests/database_io/database_test_util.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

std::vector<float> RandomUnit(int dim, std::mt19937& rng) {
  std::vector<float> x(static_cast<size_t>(dim));
  std::normal_distribution<float> normal;
  for (float& value : x) value = normal(rng);
  const float length = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.f));
  for (float& value : x) value /= length;
  return x;
}

// Keypoints of scenes, each with so many of one; the first scene's are the strongest.
struct Content {
  unsigned scene;
  size_t rows;
};

// The keypoints of a scene are the same in every image, in an order of its own.
void AddImage(ColmapDatabase& database, const std::string& name, const std::vector<Content>& contents,
              int dim, const std::string& provenance = "superpoint of the test") {
  static const std::vector<double> params = {100, 50, 50, 0};
  const camera_t camera = database.AddCamera({0, 2, 100, 100, params, false});
  const image_t id = database.AddImage({0, name, camera, std::nullopt});
  std::vector<std::pair<float, std::vector<float>>> scored;
  for (const Content& content : contents) {
    std::mt19937 rng(content.scene);
    for (size_t i = 0; i < content.rows; ++i)
      scored.emplace_back(1 / static_cast<float>(2 + scored.size()), RandomUnit(dim, rng));
  }
  std::shuffle(scored.begin(), scored.end(), std::mt19937(id));
  KeypointsBlob keypoints{scored.size(), 2, std::vector<float>(2 * scored.size(), 10)};
  Descriptors descriptors{scored.size(), dim, {}};
  std::vector<float> scores;
  for (const auto& [score, x] : scored) {
    scores.push_back(score);
    descriptors.values.insert(descriptors.values.end(), x.begin(), x.end());
  }
  database.WriteKeypoints(id, keypoints);
  database.WriteDescriptors(id, descriptors);
  if (!provenance.empty()) database.WriteImageProvenance(id, provenance, scores);
}

class Scenes : public testing::Test {
 protected:
  // Image i is of scene i / 3.
  void AddScenes(int num_scenes, int dim) {
    for (int i = 0; i < 3 * num_scenes; ++i)
      AddImage(database_, "image" + std::to_string(i), {{static_cast<unsigned>(i / 3), 60}}, dim);
  }
  std::vector<ImagePair> Pairs(int num_images, std::vector<int> queries = {}) {
    const auto images = database_.Images();
    if (queries.empty()) {
      queries.resize(images.size());
      std::iota(queries.begin(), queries.end(), 0);
    }
    return PairsByLook(database_, images, queries, index_, num_images, common_);
  }

  TemporaryFolder folder_;
  ColmapDatabase database_{folder_.File("x.db"), DatabaseMode::kCreateOrOpen};
  ImageIndexOptions index_;
  CommonOptions common_;
};

TEST_F(Scenes, ImagesOfOneSceneAreThePairs) {
  AddScenes(7, 16);
  const auto pairs = Pairs(2);
  EXPECT_EQ(pairs.size(), 21u) << "three a scene";
  for (const auto& [i, j] : pairs) EXPECT_TRUE(i < j && i / 3 == j / 3) << i << ' ' << j;
}

TEST_F(Scenes, OnlyTheImagesAskedForLookForOthers) {
  AddScenes(5, 32);
  EXPECT_EQ(Pairs(2, {4}), (std::vector<ImagePair>{{3, 4}, {4, 5}}));
}

TEST_F(Scenes, MoreThanThereAreGivesEveryPairOnce) {
  AddScenes(2, 32);
  EXPECT_EQ(Pairs(100).size(), 15u);
}

TEST_F(Scenes, AnImageWithoutKeypointsAndOneImageAloneHaveNoPairs) {
  EXPECT_TRUE(Pairs(5).empty());
  AddImage(database_, "alone", {{1, 60}}, 32);
  EXPECT_TRUE(Pairs(5).empty());
  AddImage(database_, "none", {{2, 0}}, 32);
  EXPECT_TRUE(Pairs(5).empty());
  AddImage(database_, "one keypoint", {{3, 1}}, 32);
  EXPECT_EQ(Pairs(5), (std::vector<ImagePair>{{0, 2}}));
}

TEST_F(Scenes, ThePairsAreTheSameForTheSameSeed) {
  AddScenes(20, 32);
  index_.num_words = 8;
  const auto pairs = Pairs(10);
  EXPECT_EQ(Pairs(10), pairs);
  common_.random_seed = 1;
  EXPECT_NE(Pairs(10), pairs) << "the seed has no effect";
}

TEST_F(Scenes, LoopsAreLookedForEverySoManyImages) {
  AddScenes(6, 32);
  // Through the scenes once, and once again: 0 3 6 .. 15, 1 4 .. 16, 2 5 .. 17.
  std::vector<int> sequence;
  for (int round = 0; round < 3; ++round) {
    for (int scene = 0; scene < 6; ++scene) sequence.push_back(3 * scene + round);
  }
  LoopDetectionOptions options;
  options.period = 5;  // images 0, 15, 13, 11
  options.num_images = 2;
  EXPECT_EQ(
      LoopPairs(database_, database_.Images(), sequence, options, common_),
      (std::vector<ImagePair>{{0, 1}, {0, 2}, {9, 11}, {10, 11}, {12, 13}, {13, 14}, {15, 16}, {15, 17}}));
  options.period = 0;
  EXPECT_THROW(LoopPairs(database_, database_.Images(), sequence, options, common_), UsageError);
}

TEST_F(Scenes, OptionsThatMakeNoSenseAreRefused) {
  AddScenes(1, 32);
  EXPECT_THROW(Pairs(0), UsageError);
  index_.num_words = 0;
  EXPECT_THROW(Pairs(1), UsageError);
}

TEST_F(Scenes, FeaturesOfAnotherProgramOrOfTwoSizesAreRefused) {
  AddScenes(1, 32);
  AddImage(database_, "foreign.jpg", {{1, 20}}, 32, "");
  EXPECT_NO_THROW(Pairs(1)) << "features that lost their notes, as where COLMAP merged databases";
  Sql(database_.path(),
      "UPDATE descriptors SET data = zeroblob(length(data)) WHERE image_id = (SELECT image_id FROM images "
      "WHERE name = 'foreign.jpg')");  // no descriptors of length 1
  try {
    Pairs(1);
    ADD_FAILURE() << "features of another program were taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("foreign.jpg"));
  }
  database_.DeleteFeatures(database_.FindImage("foreign.jpg")->image_id);
  const auto images = database_.Images();
  AddImage(database_, "wide.jpg", {{1, 20}}, 48);
  EXPECT_THROW(PairsByLook(database_, {images[0], *database_.FindImage("wide.jpg")}, {0}, index_, 1, common_),
               InputError);
}

TEST_F(Scenes, AnImageIsDescribedByItsStrongestKeypoints) {
  AddScenes(3, 32);
  AddImage(database_, "mixed", {{0, 20}, {2, 60}}, 32);
  EXPECT_EQ(Pairs(1, {9})[0].first / 3, 2);
  index_.max_num_features = 20;
  EXPECT_EQ(Pairs(1, {9})[0].first / 3, 0);
}

// A database with the features of the four test photos.
std::string FeaturesOfPhotos(const TemporaryFolder& folder) {
  static const TemporaryFolder extracted;
  static const ProgramResult once = RunColmatch(
      {"feature_extractor", "--database_path", extracted.File("x.db"), "--image_path", TestPhotos(),
       "--weights", "fast", "--SuperPoint.max_num_features", "200", "--num_threads", "1"});
  EXPECT_EQ(once.status, 0) << once.output;
  std::filesystem::copy(extracted.File("x.db"), folder.File("x.db"));
  return folder.File("x.db");
}

ProgramResult Match(const std::string& command, const std::string& database,
                    std::vector<std::string> more = {}) {
  more.insert(more.begin(),
              {command, "--database_path", database, "--weights", "fast", "--num_threads", "1"});
  return RunColmatch(more);
}

std::string PairsAndInliers(const std::string& path) {
  ColmapDatabase database(path, DatabaseMode::kReadOnly);
  std::ostringstream out;
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    out << id1 << ' ' << id2 << ':';
    for (const auto& m : database.ReadTwoViewGeometry(id1, id2).inlier_matches)
      out << ' ' << m[0] << ' ' << m[1];
    out << '\n';
  }
  return out.str();
}

TEST(RetrievalMatcher, MatchesEachPhotoWithItsLikesAndGoesOnFromThere) {
  TemporaryFolder folder, whole;
  const std::string database = FeaturesOfPhotos(folder);
  const ProgramResult first = Match("retrieval_matcher", database, {"--RetrievalMatching.num_images", "1"});
  ASSERT_EQ(first.status, 0) << first.output;
  const auto few = ColmapDatabase(database, DatabaseMode::kReadOnly).AllMatchedPairs().size();
  EXPECT_GE(few, 2u);
  EXPECT_LE(few, 4u);
  const ProgramResult second = Match("retrieval_matcher", database);
  ASSERT_EQ(second.status, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr(std::to_string(few) + " pairs were there already"));
  ASSERT_EQ(Match("exhaustive_matcher", FeaturesOfPhotos(whole)).status, 0);
  EXPECT_EQ(PairsAndInliers(database), PairsAndInliers(whole.File("x.db")));
}

TEST(RetrievalMatcher, StoppedBeforeItsFirstPairItGoesOnToTheSameTables) {
  TemporaryFolder folder, whole;
  const std::string database = FeaturesOfPhotos(folder);
  const std::vector<std::string> two = {"--RetrievalMatching.num_images", "2"};
  const ProgramResult stopped = RunColmatch({"retrieval_matcher", "--database_path", database, "--weights",
                                             "fast", "--num_threads", "1", two[0], two[1]},
                                            20);
  EXPECT_THAT((std::set<int>{0, 143}), testing::Contains(stopped.status)) << stopped.output;
  ASSERT_EQ(Match("retrieval_matcher", database, two).status, 0);
  ASSERT_EQ(Match("retrieval_matcher", FeaturesOfPhotos(whole), two).status, 0);
  EXPECT_EQ(PairsAndInliers(database), PairsAndInliers(whole.File("x.db")));
}

TEST(VocabTreeMatcher, TakesColmapsOptionsAndSaysOnceThatItNeedsNoTree) {
  TemporaryFolder folder;
  const std::string database = FeaturesOfPhotos(folder);
  const ProgramResult result = Match(
      "vocab_tree_matcher", database,
      {"--VocabTreeMatching.num_images", "3", "--VocabTreeMatching.num_nearest_neighbors", "5",
       "--VocabTreeMatching.num_checks", "64", "--VocabTreeMatching.num_images_after_verification", "0",
       "--VocabTreeMatching.max_num_features", "-1", "--VocabTreeMatching.vocab_tree_path", "tree.bin"});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("6 pairs, "));
  const size_t said = result.output.find("vocab_tree_path is not needed");
  ASSERT_NE(said, std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("vocab_tree_path", said + 20), std::string::npos) << "said twice";
}

TEST(VocabTreeMatcher, PhotosOfTheMatchListLookForOthersAndUnknownNamesAreSkipped) {
  TemporaryFolder folder;
  const std::string database = FeaturesOfPhotos(folder);
  folder.Write("list.txt", std::string("# new photos\n\n  courtyard_02.jpg \r\nmissing.jpg\n"));
  const ProgramResult result = Match("vocab_tree_matcher", database,
                                     {"--VocabTreeMatching.num_images", "2",
                                      "--VocabTreeMatching.match_list_path", folder.File("list.txt")});
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("skipped missing.jpg"));
  ColmapDatabase opened(database, DatabaseMode::kReadOnly);
  const image_t id = opened.FindImage("courtyard_02.jpg")->image_id;
  const auto pairs = opened.AllMatchedPairs();
  EXPECT_EQ(pairs.size(), 2u);
  for (const auto& [id1, id2] : pairs) EXPECT_TRUE(id1 == id || id2 == id);

  for (const char* list : {"no_such_list.txt", "empty.txt"}) {
    folder.Write("empty.txt", std::string("# nothing\n"));
    const ProgramResult refused =
        Match("vocab_tree_matcher", database, {"--VocabTreeMatching.match_list_path", folder.File(list)});
    EXPECT_EQ(refused.status, 1) << list;
    EXPECT_THAT(refused.output, HasSubstr(list));
  }
}

}  // namespace
}  // namespace colmatch
