// Pairs that grow along the graph of verified ones: a made-up matcher knows which photos overlap.
#include "plugin/pairs/pair_growth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>

#include "plugin/matching/growing_pairs.h"
#include "tests/database_io/database_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Lists = std::vector<std::vector<int>>;
using Inliers = std::function<int(int, int)>;  // of a pair; 0: not verified

struct Grown {
  MatchGraph graph;
  std::vector<ImagePair> pairs;
};

Grown Grow(const Lists& by_look, const Inliers& inliers, const PairGrowthOptions& options = {}) {
  PairGrowth growth(by_look, options);
  std::vector<ImagePair> pairs;
  for (auto round = growth.NextRound(); !round.empty(); round = growth.NextRound()) {
    for (const ImagePair& pair : round) {
      EXPECT_LT(pair.first, pair.second);
      pairs.push_back(pair);
      growth.Tell(pair, inliers(pair.first, pair.second));
    }
  }
  std::vector<ImagePair> sorted = pairs;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end()) << "a pair was asked for twice";
  return {growth.graph(), pairs};
}

MatchGraph Exhaustive(int n, const Inliers& inliers) {
  MatchGraph graph(n);
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      if (inliers(i, j) > 0) graph.Join(i, j, inliers(i, j));
    }
  }
  return graph;
}

// Rings of photos around things, each photo overlapping the `reach` next ones on both sides.
struct Rings {
  int num_rings, size, reach;
  int num_photos() const { return num_rings * size; }
  int operator()(int a, int b) const {
    if (a / size != b / size) return 0;
    const int apart = std::abs(a - b), distance = std::min(apart, size - apart);
    return distance <= reach ? 20 * (reach + 1 - distance) : 0;
  }
};

// What a poor eye sees: of the photos that overlap most, so many percent are replaced by any photos.
Lists PoorLooks(const Rings& rings, int count, int percent_wrong, unsigned seed) {
  std::mt19937 rng(seed);
  const int n = rings.num_photos();
  Lists lists(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    std::vector<int> others(static_cast<size_t>(n));
    std::iota(others.begin(), others.end(), 0);
    others.erase(others.begin() + i);
    std::shuffle(others.begin(), others.end(), rng);
    std::vector<int> likely = others;
    std::stable_sort(likely.begin(), likely.end(), [&](int a, int b) { return rings(i, a) > rings(i, b); });
    for (int k = 0; k < count; ++k) {
      const bool wrong = static_cast<int>(rng() % 100) < percent_wrong;
      lists[static_cast<size_t>(i)].push_back((wrong ? others : likely)[static_cast<size_t>(k)]);
    }
  }
  return lists;
}

TEST(PairGrowth, JoinsWhatExhaustiveMatchingJoinsWithFewPairs) {
  const PairGrowthOptions options;
  for (const int num_rings : {2, 10}) {
    const Rings rings{num_rings, 500 / num_rings, 8};
    const Grown grown = Grow(PoorLooks(rings, NumSimilarNeeded(options), 50, 1), rings);
    const MatchGraph all = Exhaustive(500, rings);
    EXPECT_EQ(grown.graph.Groups(), all.Groups()) << num_rings;
    EXPECT_EQ(grown.graph.WellJoinedGroups(), all.WellJoinedGroups()) << num_rings;
    EXPECT_GT(grown.graph.num_edges(), 0.95 * all.num_edges()) << num_rings;
    EXPECT_LT(grown.pairs.size(), 500u * 499 / 2 / 4) << num_rings;
  }
}

TEST(PairGrowth, CostsAboutAsMuchForEachPhotoHoweverManyThereAre) {
  const auto pairs_a_photo = [](int num_rings) {
    const Rings rings{num_rings, 50, 20};
    const Grown grown = Grow(PoorLooks(rings, NumSimilarNeeded({}), 30, 2), rings);
    return static_cast<double>(grown.pairs.size()) / rings.num_photos();
  };
  const double few = pairs_a_photo(2), many = pairs_a_photo(20);
  EXPECT_LT(many, 1.2 * few);
  EXPECT_LT(many, 30);
}

TEST(PairGrowth, AsksForNoMoreWhereAPhotoIsVerifiedOftenEnough) {
  PairGrowthOptions options;
  options.num_similar = 10;
  options.num_neighbors = 10;
  const Rings everything{1, 200, 100};
  const Grown grown = Grow(PoorLooks(everything, NumSimilarNeeded(options), 0, 3), everything, options);
  EXPECT_LE(grown.pairs.size(), 200u * 10);
}

TEST(PairGrowth, FindsThePartnersOfAPhotoThatLooksLikeNoneOfThem) {
  // Photo 0 overlaps 1 to 5, and its list names them last.
  const Inliers inliers = [](int a, int b) { return b <= 5 || (a > 5 && b - a <= 3) ? 50 : 0; };
  Lists lists(40);
  for (int i = 0; i < 40; ++i) {
    for (int k = 1; k <= 36; ++k) lists[static_cast<size_t>(i)].push_back((i + k) % 40);
  }
  std::reverse(lists[0].begin(), lists[0].end());
  for (int i = 1; i < 6; ++i) std::rotate(lists[i].begin(), lists[i].begin() + (5 - i), lists[i].end());
  const Grown grown = Grow(lists, inliers);
  EXPECT_THAT(grown.graph.Neighbors(0), testing::SizeIs(5));
}

TEST(PairGrowth, LooksForMoreWaysWhereTwoGroupsHangOnOnePair) {
  // Two groups of 20; each photo's list names its own group first, then its counterpart of the other one.
  const Inliers inliers = [](int a, int b) { return a / 20 == b / 20 || b - a == 20 ? 40 : 0; };
  Lists lists(40);
  for (int i = 0; i < 40; ++i) {
    const auto at = static_cast<size_t>(i);
    for (int k = 1; k < 20; ++k) lists[at].push_back(i / 20 * 20 + (i + k) % 20);
    lists[at].push_back((i + 20) % 40);
  }
  std::swap(lists[7].front(), lists[7].back());  // the one pair of the first round
  const Grown grown = Grow(lists, inliers);
  int joining = 0;
  for (int i = 0; i < 20; ++i) joining += static_cast<int>(grown.graph.Neighbors(i).count(i + 20));
  EXPECT_GE(joining, 12);
}

TEST(PairGrowth, EndsWhereNothingIsVerified) {
  const Rings rings{1, 100, 5};
  const Lists lists = PoorLooks(rings, NumSimilarNeeded({}), 100, 4);
  const Grown grown = Grow(lists, [](int, int) { return 0; });
  EXPECT_EQ(grown.graph.num_edges(), 0);
  EXPECT_LT(grown.pairs.size(), 100u * 36);
}

TEST(PairGrowth, HasNoPairsOfNoneAndOne) {
  for (const size_t n : {0, 1}) EXPECT_THAT(Grow(Lists(n), [](int, int) { return 9; }).pairs, IsEmpty()) << n;
  EXPECT_THAT(Grow({{1}, {0}}, [](int, int) { return 9; }).pairs, ElementsAre(ImagePair(0, 1)));
  EXPECT_THAT(Grow(Lists(5), [](int, int) { return 9; }).pairs, IsEmpty()) << "photos without features";
}

TEST(PairGrowth, RefusesOptionsOutOfRange) {
  for (const auto& [field, name] :
       {std::pair{&PairGrowthOptions::num_similar, "GraphMatching.num_similar"},
        std::pair{&PairGrowthOptions::num_neighbors, "GraphMatching.num_neighbors"},
        std::pair{&PairGrowthOptions::num_rounds, "GraphMatching.num_rounds"}}) {
    for (const int wrong : {0, -1, 10001}) {
      PairGrowthOptions options;
      options.*field = wrong;
      try {
        PairGrowth({}, options).NextRound();
        ADD_FAILURE() << name << ' ' << wrong;
      } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr(name));
        EXPECT_THAT(error.what(), HasSubstr("found " + std::to_string(wrong)));
      }
    }
  }
}

// Well joined means: whatever edge is taken out, there is still a way.
std::vector<int> WellJoinedByTrying(const MatchGraph& graph) {
  const int n = graph.num_photos();
  std::vector<std::vector<int>> without;
  for (int a = 0; a < n; ++a) {
    for (const auto& edge : graph.Neighbors(a)) {
      if (edge.first < a) continue;
      MatchGraph smaller(n);
      for (int i = 0; i < n; ++i) {
        for (const auto& other : graph.Neighbors(i)) {
          if (!(i == a && other.first == edge.first) && !(i == edge.first && other.first == a))
            smaller.Join(i, other.first, 1);
        }
      }
      without.push_back(smaller.Groups());
    }
  }
  const std::vector<int> all = graph.Groups();
  std::vector<int> group(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    const auto is_same = [&](int j) {
      return all[i] == all[j] && std::all_of(without.begin(), without.end(),
                                             [&](const auto& groups) { return groups[i] == groups[j]; });
    };
    int first = 0;
    while (!is_same(first)) ++first;
    group[i] = first;
  }
  return group;
}

TEST(MatchGraph, KnowsWhatOneEdgeHolds) {
  std::mt19937 rng(5);
  for (int trial = 0; trial < 60; ++trial) {
    MatchGraph graph(12);
    const int edges = 6 + trial % 14;
    for (int e = 0; e < edges; ++e) {
      const int a = static_cast<int>(rng() % 12), b = static_cast<int>(rng() % 12);
      if (a != b) graph.Join(a, b, 1);
    }
    EXPECT_EQ(graph.WellJoinedGroups(), WellJoinedByTrying(graph)) << trial;
  }
}

TEST(MatchGraph, WalksALongChain) {
  constexpr int kLong = 200000;
  MatchGraph graph(kLong);
  for (int i = 1; i < kLong; ++i) graph.Join(i - 1, i, 30);
  EXPECT_EQ(NumGroups(graph.Groups()), 1);
  EXPECT_EQ(NumGroups(graph.WellJoinedGroups()), kLong);
  graph.Join(0, kLong - 1, 30);
  EXPECT_EQ(NumGroups(graph.WellJoinedGroups()), 1);
  EXPECT_EQ(graph.num_edges(), kLong);
}

// A source on a database that is stopped and begun again.
class GrowingSource : public testing::Test {
 protected:
  void Make(int n) {
    database_ = std::make_unique<ColmapDatabase>(folder_.File(std::to_string(++count_) + ".db"),
                                                 DatabaseMode::kCreateOrOpen);
    database_->AddCamera(TestCamera());
    for (int i = 0; i < n; ++i) {
      const image_t id = database_->AddImage({0, std::to_string(i), 1, {}});
      database_->WriteKeypoints(id, TestKeypoints(400));
    }
    images_ = database_->Images();
  }
  void Write(int i, int j, int num_inliers) {
    TwoViewGeometry geometry;
    geometry.config = TwoViewConfig::kUncalibrated;
    for (uint32_t k = 0; k < static_cast<uint32_t>(num_inliers); ++k)
      geometry.inlier_matches.push_back({k, k});
    database_->WriteMatches(images_[i].image_id, images_[j].image_id, geometry.inlier_matches);
    database_->WriteTwoViewGeometry(images_[i].image_id, images_[j].image_id, geometry);
  }
  // Matches what is not there, up to `budget` pairs, as a signal would end it.
  void Run(const Lists& lists, const Inliers& inliers, size_t budget) {
    GrowingPairs source(*database_, images_, lists, {}, 10);
    size_t matched = 0;
    for (auto block = source.Next(); !block.empty(); block = source.Next()) {
      for (const auto& [i, j] : block) {
        if (database_->HasTwoViewGeometry(images_[i].image_id, images_[j].image_id)) continue;
        if (matched++ == budget) return;
        Write(i, j, inliers(i, j));
      }
    }
  }

  TemporaryFolder folder_;
  int count_ = 0;
  std::unique_ptr<ColmapDatabase> database_;
  std::vector<Image> images_;
};

TEST_F(GrowingSource, EndsInTheSamePairsHoweverOftenItIsStopped) {
  const Rings rings{3, 20, 4};
  const Lists lists = PoorLooks(rings, NumSimilarNeeded({}), 60, 6);
  Make(60);
  Run(lists, rings, 1000000);
  const auto unbroken = database_->AllMatchedPairs();
  EXPECT_GT(unbroken.size(), 400u);
  EXPECT_EQ(unbroken.size(), Grow(lists, rings).pairs.size());
  for (const size_t budget : {1, 37, 250}) {
    Make(60);
    for (size_t before = 1, now = 0; before != now;) {
      before = now;
      Run(lists, rings, budget * (budget == 1 ? 60 : 1));
      now = database_->AllMatchedPairs().size();
    }
    EXPECT_EQ(database_->AllMatchedPairs(), unbroken) << budget;
  }
}

TEST_F(GrowingSource, MatchesNothingWhereAllPairsAreThere) {
  const Rings rings{2, 15, 3};
  Make(30);
  for (int i = 0; i < 30; ++i) {
    for (int j = i + 1; j < 30; ++j) Write(i, j, rings(i, j));
  }
  Run(PoorLooks(rings, 29, 60, 7), rings, 0);  // a pair that is not there would end it
  EXPECT_EQ(database_->AllMatchedPairs().size(), 30u * 29 / 2);
}

}  // namespace
}  // namespace colmatch
