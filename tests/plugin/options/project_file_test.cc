// COLMAP's .ini project files.
#include "plugin/options/project_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;

TEST(ProjectFile, SectionsBecomePrefixes) {
  TemporaryFolder folder;
  const auto path = folder.Write(
      "p.ini", std::string("# comment\ndatabase_path = a b.db\n[ImageReader]\nsingle_camera=1\n"));
  EXPECT_THAT(ExpandProjectFiles({"feature_extractor", "--project_path", path}),
              ElementsAre("feature_extractor", "--database_path=a b.db", "--ImageReader.single_camera=1"));
}

TEST(ProjectFile, TheCommandLineWins) {
  TemporaryFolder folder;
  const auto path = folder.Write("p.ini", std::string("database_path=a.db\n"));
  EXPECT_THAT(ExpandProjectFiles({"x", "--project_path=" + path.string(), "--database_path", "b.db"}),
              ElementsAre("x", "--database_path", "b.db"));
}

TEST(ProjectFile, EmptyValuesAreLeftOut) {
  TemporaryFolder folder;
  const auto path = folder.Write("p.ini", std::string("[ImageReader]\nmask_path=\n"));
  EXPECT_THAT(ExpandProjectFiles({"x", "--project_path", path}), ElementsAre("x"));
}

TEST(ProjectFile, AMissingFileAndALineWithoutEqualsAreUsageErrors) {
  TemporaryFolder folder;
  EXPECT_THROW(ExpandProjectFiles({"x", "--project_path", folder.path() / "no.ini"}), UsageError);
  EXPECT_THROW(ExpandProjectFiles({"x", "--project_path", folder.Write("p.ini", std::string("nonsense\n"))}),
               UsageError);
  EXPECT_THROW(ExpandProjectFiles({"x", "--project_path"}), UsageError);
}

}  // namespace
}  // namespace colmatch
