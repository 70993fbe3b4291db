// Commands that the Python package has.
#include "plugin/options/python_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugin/runtime/handover.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class PythonCommandsTest : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv(kPythonVariable); }

  // An interpreter of the tests' own: a shell script.
  void UseInterpreter(const std::string& script) {
    path_ = folder_.path() / "python";
    std::ofstream(path_) << "#!/bin/sh\n" << script;
    fs::permissions(path_, fs::perms::owner_all);
    setenv(kPythonVariable, path_.c_str(), 1);
  }

  TemporaryFolder folder_;  // tests run beside each other
  fs::path path_;
};

TEST_F(PythonCommandsTest, KnowsTheCommandsOnHdf5AndMatchingOfAList) {
  EXPECT_TRUE(IsPythonCommand({"export_features", "--database_path", "a.db"}));
  EXPECT_TRUE(IsPythonCommand({"import_matches"}));
  EXPECT_TRUE(IsPythonCommand({"match", "--output", "m.h5", "--pairs=list.txt"}));
  EXPECT_TRUE(IsPythonCommand({"match", "--pairs", "list.txt"}));
  EXPECT_FALSE(IsPythonCommand({"match", "a.jpg", "b.jpg"}));
  EXPECT_FALSE(IsPythonCommand({"matches_importer", "--pairs"}));
  EXPECT_FALSE(IsPythonCommand({}));
}

TEST_F(PythonCommandsTest, GivesTheArgumentsToThePackageAndItsStatusBack) {
  UseInterpreter(
      "[ \"$1\" = -c ] && { echo colmatch is here; exit; }\n[ \"$*\" = '-m colmatch export_features --half' "
      "] "
      "&& exit 7\nexit 1\n");
  EXPECT_EQ(RunPythonCommand({"export_features", "--half"}), 7);
}

TEST_F(PythonCommandsTest, SaysWhatToInstallWhereThereIsNoPackage) {
  UseInterpreter("echo 'ModuleNotFoundError: colmatch is not here'\nexit 1\n");
  try {
    RunPythonCommand({"match", "--pairs", "list.txt"});
    FAIL() << "nothing was thrown";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::StartsWith("match --pairs is done by"),
                                 ::testing::HasSubstr("pip install"), ::testing::HasSubstr(path_)));
  }
}

}  // namespace
}  // namespace colmatch
