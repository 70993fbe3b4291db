// colmatch under the name `colmap`: links and wrappers, and what programs that call COLMAP read off its
// output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>

#include "plugin/options/options_in_force.h"
#include "plugin/pairs/pair_order.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/command.h"
#include "tests/plugin/program.h"
#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kColmatch = std::string(COLMATCH_BINARY_DIR) + "/colmatch";

// A COLMAP of the tests: says its version and what it was called with.
constexpr char kColmap[] =
    "#!/bin/sh\n"
    "if [ \"$1\" = help ]; then\n"
    "  echo 'COLMAP 4.7 -- Structure-from-Motion and Multi-View Stereo'\n"
    "  echo '              (Commit abc on 2026-01-02 with CUDA)'\n"
    "  printf 'Available commands:\\n  help\\n  mapper\\n  feature_extractor\\n  star_mapper\\n'\n"
    "else printf 'real %s\\n' \"$*\"; fi\n";

class DropIn : public testing::Test {
 protected:
  std::string Program(const std::string& name, const std::string& text) const {
    folder_.Write(name, text);
    fs::permissions(folder_.path() / name, fs::perms::owner_all);
    return folder_.File(name);
  }
  // PATH with these folders alone, and the system's for the shell.
  ProgramResult Run(const std::vector<std::string>& arguments, const std::vector<std::string>& folders,
                    const std::vector<std::string>& more = {}) const {
    std::string path = "PATH=";
    for (const std::string& folder : folders) path += folder_.File(folder) + ":";
    std::vector<std::string> environment = {path + folder_.File("system")};
    environment.insert(environment.end(), more.begin(), more.end());
    return RunColmatch(arguments, -1, environment);
  }
  void SetUp() override {
    fs::create_directories(folder_.path() / "system");
    for (const char* tool : {"sh", "env", "cat", "grep"}) {
      for (const char* bin : {"/bin/", "/usr/bin/"}) {
        std::error_code ignored;
        if (fs::exists(bin + std::string(tool)))
          fs::create_symlink(bin + std::string(tool), folder_.path() / "system" / tool, ignored);
      }
    }
    fs::create_directories(folder_.path() / "first");
    Program("real/colmap", kColmap);
  }

  TemporaryFolder folder_;
};

TEST_F(DropIn, WhateverLeadsToColmatchIsPassedOverForTheNextColmap) {
  const fs::path first = folder_.path() / "first/colmap";
  const std::vector<std::pair<std::string, std::function<void()>>> kinds = {
      {"symbolic link", [&] { fs::create_symlink(kColmatch, first); }},
      {"link to a link",
       [&] {
         fs::create_symlink(kColmatch, folder_.path() / "other_name");
         fs::create_symlink(folder_.path() / "other_name", first);
       }},
      {"copy", [&] { fs::copy_file(kColmatch, first); }},
      {"script that becomes colmatch",
       [&] { Program("first/colmap", "#!/bin/sh\nexec " + kColmatch + " \"$@\"\n"); }},
      {"script that calls colmatch",
       [&] { Program("first/colmap", "#!/bin/sh\n" + kColmatch + " \"$@\"\n"); }},
      {"script that clears the environment",
       [&] { Program("first/colmap", "#!/bin/sh\nexec env -i PATH=\"$PATH\" " + kColmatch + " \"$@\"\n"); }},
  };
  for (const auto& [kind, make] : kinds) {
    fs::remove(first);
    make();
    const ProgramResult result = Run({"mapper", "--x", "1"}, {"first", "real"});
    EXPECT_EQ(result.status, 0) << kind << '\n' << result.output;
    EXPECT_THAT(result.output, HasSubstr("real mapper --x 1\n")) << kind;
    const ProgramResult doctor = Run({"doctor"}, {"first", "real"});
    EXPECT_THAT(doctor.output, HasSubstr("OK      COLMAP: COLMAP 4.7 (" + folder_.File("real/colmap") + ")"))
        << kind;
  }
  std::error_code error;
  fs::remove(first);
  fs::create_hard_link(kColmatch, first, error);
  if (!error) {
    EXPECT_THAT(Run({"mapper"}, {"first", "real"}).output, HasSubstr("real mapper")) << "hard link";
  }
}

TEST_F(DropIn, TheLinkItselfDoesColmatchsCommandsAndHandsOverTheOthers) {
  fs::create_symlink(kColmatch, folder_.path() / "first/colmap");
  const std::string command = "PATH='" + folder_.File("first") + ":" + folder_.File("real") + ":" +
                              folder_.File("system") + "' colmap ";
  const std::string log = folder_.File("log");
  EXPECT_EQ(std::system((command + "model_analyzer --path m > " + log + " 2>&1").c_str()), 0);
  std::ifstream stream(log);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "real model_analyzer --path m\n");
  EXPECT_EQ(std::system((command + "feature_extractor -h | grep -q SuperPoint").c_str()), 0);
}

TEST_F(DropIn, WithNothingButOurselvesOnThePathTheErrorSaysSoAndNothingHangs) {
  fs::create_symlink(kColmatch, folder_.path() / "first/colmap");
  const ProgramResult handed = Run({"mapper"}, {"first"});
  EXPECT_EQ(handed.status, 1);
  EXPECT_THAT(handed.output, HasSubstr("no other colmap on PATH"));
  const ProgramResult reconstructor = Run({"automatic_reconstructor", "--workspace_path", folder_.File("w"),
                                           "--image_path", TestPhotos().string()},
                                          {"first"});
  EXPECT_EQ(reconstructor.status, 3);
  EXPECT_THAT(reconstructor.output, HasSubstr("the only colmap on PATH is colmatch itself"));
  EXPECT_THAT(Run({"doctor"}, {"first"}).output,
              HasSubstr("PROBLEM COLMAP: the only colmap on PATH is colmatch itself"));
  EXPECT_EQ(Run({"help"}, {"first"}).status, 0);
}

TEST_F(DropIn, TheVariableNamesAProgramAndIsCheckedItself) {
  fs::create_symlink(kColmatch, folder_.path() / "first/colmap");
  const std::string variable = "COLMATCH_COLMAP=";
  EXPECT_THAT(Run({"mapper"}, {"first"}, {variable + folder_.File("real/colmap")}).output,
              HasSubstr("real mapper"));
  for (const std::string& bad :
       {folder_.File("nothing"), folder_.File("first/colmap"), folder_.File("first")}) {
    const ProgramResult result = Run({"mapper"}, {"real"}, {variable + bad});
    EXPECT_EQ(result.status, 3) << bad << '\n' << result.output;
    EXPECT_THAT(result.output, HasSubstr("COLMATCH_COLMAP=" + bad));
  }
}

TEST_F(DropIn, FoldersAndFilesThatCannotBeRunAreNoPrograms) {
  fs::create_directories(folder_.path() / "first/colmap");
  EXPECT_THAT(Run({"mapper"}, {"first", "real"}).output, HasSubstr("real mapper"));
}

TEST_F(DropIn, HelpSaysWhatClientsProbe) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"-h"}, {"--help"}, {"help"}}) {
    const ProgramResult help = Run(arguments, {"real"});
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.output.rfind("COLMAP 4.7 ", 0), 0u) << "the first line starts with COLMAP's version";
    EXPECT_THAT(help.output, HasSubstr("(Commit abc on 2026-01-02 with CUDA)"));
    EXPECT_THAT(help.output,
                AllOf(HasSubstr("colmatch"), HasSubstr("exhaustive_matcher"), HasSubstr("  star_mapper\n")));
  }
  for (const char* word : {"--version", "version"}) {
    const ProgramResult version = Run({word}, {"real"});
    EXPECT_EQ(version.status, 0);
    EXPECT_TRUE(std::regex_search(version.output, std::regex("COLMAP (\\d\\S*) \\(.*with CUDA\\)")))
        << version.output;
    EXPECT_EQ(version.output.rfind("colmatch ", 0), 0u);
  }
  const ProgramResult alone = Run({"-h"}, {});
  EXPECT_EQ(alone.status, 0);
  EXPECT_TRUE(std::regex_search(alone.output, std::regex("^COLMAP (\\d+\\.\\d+) ")));
  EXPECT_THAT(alone.output, testing::ContainsRegex("with(out)? CUDA\\)"));
}

TEST_F(DropIn, HelpOfACommandListsColmapsOptionsUnderAHeading) {
  const ProgramResult help = RunColmatch({"feature_extractor", "-h"});
  EXPECT_EQ(help.status, 0);
  const auto heading = help.output.find("COLMAP's options");
  ASSERT_NE(heading, std::string::npos);
  for (const char* option :
       {"SiftExtraction.use_gpu", "FeatureExtraction.use_gpu", "SiftExtraction.estimate_affine_shape"})
    EXPECT_NE(help.output.find(option, heading), std::string::npos) << option;
}

// `PROGRAM | head -1`: the reader leaves after the first bytes.
TEST_F(DropIn, AReaderThatLeavesEndsTheProgramQuietlyBySigpipe) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"match", "-h"}, {"--help"}, {"weights", "info", "fast"}}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    RunningColmatch program(arguments, [&] {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
    });
    close(ends[1]);
    close(ends[0]);
    const ProgramResult result = program.Wait();
    EXPECT_EQ(result.status, 128 + SIGPIPE);
    EXPECT_EQ(result.output, "") << "standard error";
  }
}

TEST_F(DropIn, WithoutATerminalTheLinesOfColmapsProgressAreThere) {
  const std::string database = folder_.File("a.db");
  const ProgramResult features = RunColmatch(ExtractArguments(database));
  for (int i = 1; i <= 4; ++i)
    EXPECT_THAT(features.output,
                HasSubstr("Processed file [" + std::to_string(i) + "/4]\n  Name:            courtyard_0"));
  auto matching = MatchArguments(database);
  matching.insert(matching.end(), {"--ExhaustiveMatching.block_size", "2"});
  const ProgramResult matches = RunColmatch(matching);
  for (const char* line :
       {"Matching block [1/2, 1/2] in ", "Matching block [1/2, 2/2] in ", "Matching block [2/2, 2/2] in "})
    EXPECT_THAT(matches.output, HasSubstr(line));
  auto quiet = ExtractArguments(folder_.File("b.db"));
  quiet.insert(quiet.end(), {"--progress", "off"});
  EXPECT_THAT(RunColmatch(quiet).output, Not(HasSubstr("Processed file")));
}

TEST(PairSources, TellTheBlockThatIsUnderWay) {
  ExhaustivePairs exhaustive(5, 2);
  std::vector<std::string> positions;
  while (!exhaustive.Next().empty()) positions.push_back(exhaustive.position());
  EXPECT_EQ(positions,
            (std::vector<std::string>{"1/3, 1/3", "1/3, 2/3", "1/3, 3/3", "2/3, 2/3", "2/3, 3/3"}));
  ListedPairs listed({{0, 1}, {1, 2}, {2, 3}}, 2);
  listed.Next();
  EXPECT_EQ(listed.position(), "1/2");
  listed.Next();
  EXPECT_EQ(listed.position(), "2/2");
}

TEST(OptionsInForce, AreGivenOnesAndDefaultsAndACommandLineCanBeTypedAgain) {
  std::string name = "default";
  int threads = -1, sift = 0;
  CLI::App app;
  AddOption(app, "--name", name, "");
  AddOption(app, "--num_threads", threads, "");
  app.add_option("--SiftExtraction.octaves", sift)->group(kColmapGroup);
  app.parse("--num_threads 2");
  EXPECT_EQ(OptionsInForce(app),
            (std::vector<std::pair<std::string, std::string>>{{"name", "default"}, {"num_threads", "2"}}));
  std::string words[] = {"colmatch", "match", "it's a.jpg", "--x=1", ""};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  EXPECT_EQ(CommandLineText(static_cast<int>(argv.size()), argv.data()),
            "colmatch match 'it'\\''s a.jpg' --x=1 ''");
}

}  // namespace
}  // namespace colmatch
