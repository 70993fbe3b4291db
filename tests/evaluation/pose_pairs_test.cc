// Tests of reading pairs_with_gt.txt: what its columns become, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "evaluation/pose_protocol.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Column 5 is the focal length of K0 along x; columns 23 to 38 are the transformation.
const std::string kLine =
    "a.jpg b.jpg 1 3 600 0. 320 0. 610 240 0. 0. 1. 500 0. 310 0. 505 250 0. 0. 1. "
    "0. -1. 0. 1.5 1. 0. 0. -2.5 0. 0. 1. 3.5 0. 0. 0. 1.";

std::string WithColumn(int column, const std::string& text) {
  size_t begin = 0;
  for (int i = 1; i < column; ++i) begin = kLine.find(' ', begin) + 1;
  return std::string(kLine).replace(begin, kLine.find(' ', begin) - begin, text);
}

class ReadPosePairsTest : public testing::Test {
 protected:
  template <typename Error>
  void ExpectRefused(const fs::path& path, const std::vector<std::string>& said) {
    try {
      ReadPosePairs(path);
      ADD_FAILURE() << path << " is not refused";
    } catch (const Error& error) {
      for (const std::string& words : said) EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(ReadPosePairsTest, ReadsNamesRotationsCamerasAndPose) {
  const auto pairs = ReadPosePairs(folder_.Write("pairs.txt", kLine + "\n\n" + WithColumn(1, "c.jpg")));
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].name0, "a.jpg");
  EXPECT_EQ(pairs[0].name1, "b.jpg");
  EXPECT_EQ(pairs[0].rotation0, 1);
  EXPECT_EQ(pairs[0].rotation1, 3);
  EXPECT_EQ(pairs[0].k0, cv::Matx33d(600, 0, 320, 0, 610, 240, 0, 0, 1));
  EXPECT_EQ(pairs[0].k1, cv::Matx33d(500, 0, 310, 0, 505, 250, 0, 0, 1));
  EXPECT_EQ(pairs[0].rotation, cv::Matx33d(0, -1, 0, 1, 0, 0, 0, 0, 1));
  EXPECT_EQ(pairs[0].translation, cv::Vec3d(1.5, -2.5, 3.5));
  EXPECT_EQ(pairs[1].name0, "c.jpg");
}

TEST_F(ReadPosePairsTest, ReadsTheFifteenPairsOfScanNet) {
  const fs::path path = fs::path(COLMATCH_SOURCE_DIR) / "../shared/data/eval/scannet_pairs/pairs_with_gt.txt";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is absent";
  const auto pairs = ReadPosePairs(path);
  ASSERT_EQ(pairs.size(), 15u);
  EXPECT_EQ(pairs[0].name1, "scene0711_00_frame-001995.jpg");
  for (const PosePairTruth& pair : pairs) {
    EXPECT_NEAR(pair.k0(0, 0), 1165, 10) << pair.name0;
    EXPECT_LT(cv::norm(pair.rotation * pair.rotation.t() - cv::Matx33d::eye()), 1e-3) << pair.name0;
    EXPECT_GT(cv::norm(pair.translation), 0.1) << pair.name0;
  }
}

TEST_F(ReadPosePairsTest, RefusesABadLineNamingFileLineAndFault) {
  const struct {
    const char* name;
    std::string line, fault;
  } cases[] = {
      {"37 columns", kLine.substr(0, kLine.rfind(' ')), "found 37"},
      {"39 columns", kLine + " 0.", "found 39"},
      {"a word", WithColumn(7, "wide"), "column 7 is not a number: wide"},
      {"a number with a tail", WithColumn(38, "1.0px"), "column 38 is not a number: 1.0px"},
      {"not a number", WithColumn(26, "nan"), "column 26 is not a number: nan"},
      {"an infinite number", WithColumn(26, "inf"), "column 26 is not a number: inf"},
      {"no focal length", WithColumn(5, "0"), "focal length"},
      {"a negative focal length", WithColumn(18, "-505"), "focal length"},
      {"a reflection", WithColumn(33, "-1"), "no rotation"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    ExpectRefused<InputError>(folder_.Write("pairs.txt", kLine + "\n\n" + c.line + "\n"),
                              {folder_.File("pairs.txt") + ":3", c.fault});
  }
}

TEST_F(ReadPosePairsTest, RefusesAMissingOrEmptyFileByName) {
  ExpectRefused<UsageError>(folder_.path() / "missing.txt", {folder_.File("missing.txt"), "cannot be read"});
  ExpectRefused<UsageError>(folder_.Write("empty.txt", "\n \n"), {folder_.File("empty.txt"), "no pair"});
}

}  // namespace
}  // namespace colmatch
