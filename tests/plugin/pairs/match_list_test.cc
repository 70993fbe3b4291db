// COLMAP's match lists as text: names with blanks, and everything that can be wrong.
#include "plugin/pairs/match_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "util/error.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Pairs = std::vector<std::pair<int, int>>;

// a.jpg and b.jpg have 10 keypoints, c.jpg 3, d.jpg no features; the others' names hold blanks.
const std::vector<ListedImage>& Images() {
  static const std::vector<ListedImage> images = {
      {"a.jpg", 10},       {"b.jpg", 10}, {"c.jpg", 3},           {"d.jpg", -1},
      {"my photo.jpg", 5}, {"my", 5},     {"photo.jpg a.jpg", 5}, {"sub/\xC3\xBC \xE5\x9B\xB3.jpg", 5}};
  return images;
}

Pairs ReadPairs(const std::string& text, ListProblems& problems) {
  std::istringstream stream(text);
  LineReader lines(stream, "list.txt");
  return ReadPairList(lines, ListedNames(Images()), problems);
}

std::vector<ListedMatches> ReadBlocks(const std::string& text, ListProblems& problems) {
  std::istringstream stream(text);
  LineReader lines(stream, "list.txt");
  const ListedNames names(Images());
  MatchListReader reader(lines, names, problems);
  std::vector<ListedMatches> blocks;
  for (ListedMatches block; reader.Next(block);) blocks.push_back(block);
  return blocks;
}

std::string Told(const ListProblems& problems) {
  std::string text;
  for (const auto& [name, reason] : problems.All()) text += name + ": " + reason + "\n";
  return text;
}

TEST(PairList, TakesLinesInTheirOrderAndSkipsCommentsAndEmptyLines) {
  ListProblems problems;
  EXPECT_EQ(ReadPairs("# a.jpg c.jpg\n\n  b.jpg a.jpg\r\na.jpg\tc.jpg\n \t \nc.jpg b.jpg", problems),
            (Pairs{{1, 0}, {0, 2}, {2, 1}}));
  EXPECT_TRUE(problems.empty());
  EXPECT_THAT(ReadPairs("", problems), IsEmpty());
  EXPECT_TRUE(problems.empty());
}

TEST(PairList, TakesEachPairOnceWhicheverWayRound) {
  ListProblems problems;
  EXPECT_EQ(ReadPairs("a.jpg b.jpg\nb.jpg a.jpg\na.jpg b.jpg\n", problems), (Pairs{{0, 1}}));
  EXPECT_TRUE(problems.empty());
}

TEST(PairList, LeavesOutWhatStandsBehindTheNamesAsColmapDoes) {
  ListProblems problems;
  EXPECT_EQ(ReadPairs("a.jpg b.jpg 0.93 x\n", problems), (Pairs{{0, 1}}));
}

TEST(PairList, ReadsNamesWithBlanksByTheNamesItKnows) {
  ListProblems problems;
  EXPECT_EQ(ReadPairs("my photo.jpg b.jpg\nb.jpg sub/\xC3\xBC \xE5\x9B\xB3.jpg\nmy photo.jpg my photo.jpg\n"
                      "my photo.jpg sub/\xC3\xBC \xE5\x9B\xB3.jpg\n",
                      problems),
            (Pairs{{4, 1}, {1, 7}, {4, 7}}));
  EXPECT_EQ(Told(problems), "\"my photo.jpg\": cannot be matched with itself (line 3)\n");
}

TEST(PairList, RefusesALineThatCouldBeTwoPairs) {
  ListProblems problems;
  EXPECT_THAT(ReadPairs("my photo.jpg a.jpg\n", problems), IsEmpty());
  EXPECT_THAT(Told(problems), AllOf(HasSubstr("\"my photo.jpg\" and \"a.jpg\""),
                                    HasSubstr("\"my\" and \"photo.jpg a.jpg\""), HasSubstr("rename")));
}

TEST(PairList, NamesEachUnknownImageOnceWithItsLines) {
  ListProblems problems;
  EXPECT_EQ(ReadPairs("a.jpg ghost.jpg\nghost.jpg b.jpg\na.jpg\nx y z\na.jpg b.jpg\n", problems),
            (Pairs{{0, 1}}));
  EXPECT_EQ(Told(problems),
            "\"ghost.jpg\": is not in the database (line 1 and 1 more)\n"
            "\"a.jpg\": expected the names of two images (line 3)\n"
            "\"x y z\": is not two names of images in the database (line 4)\n");
}

TEST(PairList, OfMatchesIsAUsageErrorThatNamesTheOption) {
  ListProblems problems;
  try {
    ReadPairs("a.jpg b.jpg\n0 1\n", problems);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("list.txt:2"), HasSubstr("--match_type raw")));
  }
}

TEST(PairList, ALineOfAnyLengthFillsNeitherMemoryNorScreen) {
  ListProblems problems;
  const std::string endless(50 * LineReader::kMaxLength, 'x');
  EXPECT_EQ(ReadPairs(endless + "\na.jpg b.jpg\n" + std::string(100000, ' ') + "\n", problems),
            (Pairs{{0, 1}}));
  EXPECT_THAT(Told(problems), AllOf(HasSubstr("too long"), SizeIs(testing::Lt(400u))));
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "a.jpg ghost" + std::to_string(i) + "\n";
  ListProblems of_many;
  ReadPairs(many, of_many);
  EXPECT_THAT(of_many.All(), SizeIs(1001));
  EXPECT_THAT(Told(of_many), HasSubstr("4000 further lines"));
}

TEST(MatchList, TakesBlocksWithTheirMatches) {
  ListProblems problems;
  const auto blocks =
      ReadBlocks("a.jpg b.jpg\n0 1\n9 9 0.5\n\n\nb.jpg c.jpg\n \nmy photo.jpg a.jpg\n4 0\n4 1", problems);
  ASSERT_THAT(blocks, SizeIs(2));
  EXPECT_EQ(std::make_pair(blocks[0].first, blocks[0].second), std::make_pair(0, 1));
  EXPECT_EQ(blocks[0].matches, (Matches{{0, 1}, {9, 9}}));
  EXPECT_THAT(blocks[1].matches, IsEmpty()) << "a pair without matches is a pair";
  EXPECT_THAT(Told(problems), HasSubstr("could be")) << "the third";
}

TEST(MatchList, TakesTheLastBlockWithoutAnEmptyLineAndWindowsLineEnds) {
  ListProblems problems;
  const auto blocks = ReadBlocks("a.jpg b.jpg\r\n3 4\r\n\r\nb.jpg c.jpg\r\n5 2", problems);
  ASSERT_THAT(blocks, SizeIs(2));
  EXPECT_EQ(blocks[1].matches, (Matches{{5, 2}}));
  EXPECT_TRUE(problems.empty());
}

TEST(MatchList, AMatchThatComesTwiceIsTakenOnceAndCounted) {
  ListProblems problems;
  const auto blocks = ReadBlocks("a.jpg b.jpg\n1 2\n1 3\n1 2\n", problems);
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_EQ(blocks[0].matches, (Matches{{1, 2}, {1, 3}}))
      << "one keypoint with two others is COLMAP's to judge";
  EXPECT_EQ(blocks[0].num_repeated, 1);
}

TEST(MatchList, ABlockWithAnythingWrongIsLeftOutWholeAndTheNextIsTaken) {
  struct Case {
    std::string block, told;
  };
  const std::vector<Case> cases = {
      {"a.jpg c.jpg\n0 0\n1 3\n2 2\n", "line 3: keypoint 3 of \"c.jpg\", which has 3"},
      {"a.jpg b.jpg\n10 0\n", "keypoint 10 of \"a.jpg\""},
      {"a.jpg b.jpg\n-1 0\n", "expected two keypoint numbers, found \"-1 0\""},
      {"a.jpg b.jpg\n4294967296 0\n", "expected two keypoint numbers"},
      {"a.jpg b.jpg\n1\n", "expected two keypoint numbers"},
      {"a.jpg b.jpg\n1 2x\n", "expected two keypoint numbers"},
      {"a.jpg b.jpg\n1,2\n", "expected two keypoint numbers"},
      {"a.jpg b.jpg\nb.jpg c.jpg\n", "--match_type pairs"},
      {"a.jpg b.jpg\n0 0\nx\n", "an empty line ends a pair"},
      {"a.jpg ghost.jpg\n0 0\n1 1\n", "\"ghost.jpg\": is not in the database (line 1)"},
      {"a.jpg d.jpg\n0 0\n", "\"d.jpg\" has no keypoints"},
      {"a.jpg a.jpg\n0 0\n", "cannot be matched with itself"},
  };
  for (const Case& c : cases) {
    ListProblems problems;
    const auto blocks = ReadBlocks(c.block + "\nc.jpg a.jpg\n0 0\n", problems);
    EXPECT_THAT(Told(problems), HasSubstr(c.told));
    ASSERT_THAT(blocks, SizeIs(1)) << c.block;
    EXPECT_EQ(blocks[0].first, 2);
  }
}

TEST(MatchList, APairThatComesAgainIsNamedUnlessItWasBadBefore) {
  ListProblems problems;
  EXPECT_THAT(ReadBlocks("a.jpg b.jpg\n0 0\n\nb.jpg a.jpg\n1 1\n", problems), SizeIs(1));
  EXPECT_THAT(Told(problems), HasSubstr("\"b.jpg a.jpg\": this pair came before (line 4)"));
  ListProblems of_second;
  EXPECT_THAT(ReadBlocks("a.jpg b.jpg\n99 0\n\na.jpg b.jpg\n1 1\n", of_second), SizeIs(1));
}

TEST(MatchList, OfAnyBytesEndsAndGivesMatchesInRangeOnly) {
  std::mt19937 rng(23);
  const std::vector<std::string> pieces = {"a.jpg",
                                           "b.jpg",
                                           "my",
                                           "photo.jpg",
                                           " ",
                                           " ",
                                           "\n",
                                           "\n",
                                           "\n\n",
                                           "0",
                                           "1",
                                           "9",
                                           "10",
                                           "#",
                                           "\t",
                                           std::string(1, '\0'),
                                           "\xFF",
                                           "-",
                                           "99999999999999999999"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += pieces[rng() % pieces.size()];
    ListProblems problems;
    for (const ListedMatches& block : ReadBlocks(text, problems)) {
      for (const auto& match : block.matches) {
        EXPECT_LT(match[0], static_cast<uint64_t>(Images()[block.first].num_keypoints));
        EXPECT_LT(match[1], static_cast<uint64_t>(Images()[block.second].num_keypoints));
      }
    }
    try {
      ReadPairs(text, problems);
    } catch (const UsageError&) {
    }
  }
}

}  // namespace
}  // namespace colmatch
