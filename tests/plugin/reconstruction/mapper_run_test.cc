// COLMAP's mappers: which there are, and how far they are.
#include "plugin/reconstruction/mapper_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/message_of.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

TEST(MapperLines, CountRegisteredImages) {
  MapperLines lines;
  lines.Add("==============\nLoading database\n");
  EXPECT_EQ(lines.num_registered(), 0);
  lines.Add("Initializing with image pair #4 and #7\n");
  EXPECT_EQ(lines.num_registered(), 2);
  lines.Add("Registering image #12 (3)\n\n  => Image sees 130 / 400 points\nRegistering ima");
  EXPECT_EQ(lines.num_registered(), 3);
  lines.Add("ge #9 (4)\n");
  EXPECT_EQ(lines.num_registered(), 4);
  lines.Add("Global bundle adjustment\n====\n");
  EXPECT_EQ(lines.last_step(), "Global bundle adjustment");
  lines.Add("I20260101 12:00:00.1 7 incremental_pipeline.cc:480] Registering image #31 (num_reg_images=5)\n");
  EXPECT_EQ(lines.num_registered(), 5) << "as COLMAP 4 writes it";
  EXPECT_EQ(lines.last_step(), "");
  lines.Add("Initializing with image pair #1 and #2\nRegistering image #3 (3)\n");
  EXPECT_EQ(lines.num_registered(), 8) << "a second model";
}

TEST(EmptySparseFolder, MovesEarlierModelsAside) {
  TemporaryFolder folder;
  const auto sparse = EmptySparseFolder(folder.path());
  EXPECT_TRUE(std::filesystem::is_empty(sparse));
  std::ofstream(sparse / "mine") << "x";
  EXPECT_EQ(EmptySparseFolder(folder.path()), sparse);
  EXPECT_TRUE(std::filesystem::is_empty(sparse));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "sparse.old1/mine"));
}

}  // namespace
}  // namespace colmatch
