// Which program maps: COLMAP's own, or pycolmap.
#include "plugin/reconstruction/mapper_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugin/demo/demo_scene.h"
#include "plugin/runtime/handover.h"
#include "tests/message_of.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string HelpOf(const std::string& version, const std::string& commands) {
  return "COLMAP " + version + " -- Structure-from-Motion\n\nAvailable commands:\n" + commands;
}

TEST(HasMapper, IsWhetherThisColmapListsItsCommand) {
  const ColmapProgram old{"/opt/colmap", HelpOf("3.8", "  help\n  hierarchical_mapper\n  mapper\n")};
  EXPECT_TRUE(HasMapper(old, "incremental"));
  EXPECT_TRUE(HasMapper(old, "hierarchical"));
  EXPECT_FALSE(HasMapper(old, "global"));
  EXPECT_TRUE(HasMapper({"/opt/colmap", HelpOf("4.0.4", "  global_mapper\n  mapper\n")}, "global"));
  EXPECT_TRUE(HasMapper({"/opt/silent", ""}, "global")) << "one that lists nothing";
}

class FindMapperTest : public testing::Test {
 protected:
  void TearDown() override {
    unsetenv(kColmapVariable);
    unsetenv(kPythonVariable);
  }
  // A program that answers everything with this text.
  std::string Answering(const std::string& name, const std::string& text) {
    const fs::path path = folder_.path() / name;
    std::ofstream(path) << "#!/bin/sh\ncat <<'END'\n" << text << "\nEND\n";
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  }
  void Name(const char* variable, const std::string& path) { setenv(variable, path.c_str(), 1); }

  TemporaryFolder folder_;
};

TEST_F(FindMapperTest, PrefersColmapAndFallsBackToPycolmap) {
  const std::string colmap = Answering("colmap", HelpOf("3.8", "  hierarchical_mapper\n  mapper\n")),
                    python = Answering("python", HelpOf("4.2.1", "  global_mapper\n  mapper\n"));
  Name(kColmapVariable, colmap);
  Name(kPythonVariable, python);
  EXPECT_THAT(FindMapper("incremental").command, ElementsAre(colmap, "mapper"));
  EXPECT_EQ(FindMapper("hierarchical").name, "COLMAP 3.8 (" + colmap + ")");
  const MapperProgram global = FindMapper("global");
  EXPECT_EQ(global.name, "pycolmap 4.2.1 (" + python + ")");
  EXPECT_EQ(global.command.front(), python);
  EXPECT_EQ(global.command.back(), "global_mapper");
}

TEST_F(FindMapperTest, SaysWhatEachProgramHasWhereNoneHasTheMapper) {
  Name(kColmapVariable, Answering("colmap", HelpOf("3.8", "  hierarchical_mapper\n  mapper\n")));
  Name(kPythonVariable, Answering("python", HelpOf("3.11.1", "  mapper\n")));
  const std::string message = MessageOf<EnvironmentError>([] { FindMapper("global"); });
  EXPECT_THAT(message, AllOf(HasSubstr("--mapper global"), HasSubstr("COLMAP 3.8 ("),
                             HasSubstr("has incremental, hierarchical"), HasSubstr("pycolmap 3.11.1 ("),
                             HasSubstr("from version 4 on"), HasSubstr("pip install pycolmap")));
}

TEST_F(FindMapperTest, AdvisesToInstallOneWhereThereIsNone) {
  const char* const path = std::getenv("PATH");
  const std::string kept = path == nullptr ? "" : path;
  setenv("PATH", folder_.path().c_str(), 1);
  Name(kPythonVariable, (folder_.path() / "no_python").string());
  const std::string message = MessageOf<EnvironmentError>([] { FindMapper("incremental"); });
  setenv("PATH", kept.c_str(), 1);
  EXPECT_THAT(message, AllOf(HasSubstr("neither `colmap`"), HasSubstr("apt-get install colmap"),
                             HasSubstr("pip install pycolmap"), Not(HasSubstr("version 4"))));
}

// Without a `colmap` on PATH pycolmap has every mapper.
TEST_F(FindMapperTest, PycolmapReconstructsTheDemoScene) {
  const char* const python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap 4";
  Name(kPythonVariable, python);
  const std::string kept = std::getenv("PATH");
  setenv("PATH", folder_.path().c_str(), 1);
  DemoSceneOptions options;
  options.num_images = 6;
  options.width = 640;
  options.height = 480;
  RenderDemoScene(options, folder_.path());
  for (const char* mapper : {"incremental", "hierarchical", "global"}) {
    const ProgramResult result = RunColmatch(
        {"automatic_reconstructor", "--workspace_path", folder_.path() / "out", "--image_path",
         folder_.path() / "images", "--mapper", mapper, "--num_threads", "2", "--weights", "fast"});
    EXPECT_EQ(result.status, 0) << mapper << ": " << result.output;
    EXPECT_THAT(result.output, HasSubstr("registered 6 of 6 images")) << mapper;
  }
  setenv("PATH", kept.c_str(), 1);
}

}  // namespace
}  // namespace colmatch
