// Completion and manual pages: made of the program's own table, read by the shells themselves.
#include "plugin/options/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "plugin/runtime/command.h"
#include "plugin/runtime/handover.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<CommandEntry> Table() {
  CLI::App app{kProgramDescription};
  CommonOptions common;
  const auto commands = AllCommands();
  DeclareCommands(app, commands, common);
  return TableOf(app);
}

std::string OutputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char part[256];
  while (std::fgets(part, sizeof(part), pipe) != nullptr) output += part;
  pclose(pipe);
  return output;
}

// What bash offers for the last of these words.
std::string Offered(const std::string& words) {
  TemporaryFolder folder;
  folder.Write("completion", BashCompletion(Table()) + "COMP_WORDS=(" + words +
                                 ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                                 "_colmatch\necho \"${COMPREPLY[@]}\"\n");
  return OutputOf("bash --norc " + folder.File("completion"));
}

TEST(Completion, ListsEveryCommandButHiddenOnes) {
  const std::string offered = " " + Offered("colmatch ''");
  const std::string man = ManualPage(Table(), "colmatch");
  const std::string zsh = ZshCompletion(Table());
  for (const auto& command : AllCommands()) {
    const std::string word = " " + command->name() + " ";
    if (command->hidden()) {
      EXPECT_THAT(offered, Not(HasSubstr(word)));
      continue;
    }
    EXPECT_THAT(offered, HasSubstr(word));
    EXPECT_THAT(man, HasSubstr(".B " + command->name() + "\n"));
    EXPECT_THAT(zsh, HasSubstr("'" + command->name() + ":"));
  }
}

TEST(Completion, OffersOptionsAndTheirValues) {
  EXPECT_EQ(Offered("colmatch exhaustive_matcher --SuperGlue.sink"), "--SuperGlue.sinkhorn_iterations\n");
  EXPECT_EQ(Offered("colmatch match --progress o"), "on off\n");
  EXPECT_EQ(Offered("colmatch weights i"), "import info\n");
  EXPECT_EQ(Offered("colmatch match photo"), "\n") << "left to the shell: files";
}

TEST(Completion, ZshTakesItsScript) {
  if (!IsOnPath("zsh")) GTEST_SKIP() << "zsh is not on PATH";
  TemporaryFolder folder;
  folder.Write("_colmatch", ZshCompletion(Table()));
  EXPECT_THAT(OutputOf("zsh -f -n " + folder.File("_colmatch") + " 2>&1"), IsEmpty());
}

TEST(ManualPage, TellsEveryOptionOfACommandInBothSpellings) {
  for (const CommandEntry& command : Table()) {
    const std::string page = CommandManualPage(command);
    for (const OptionEntry& option : command.options) {
      for (std::string name : option.names) {
        for (size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, "\\");
        EXPECT_THAT(page, HasSubstr("\\fB" + name + "\\fR")) << command.name;
      }
    }
  }
}

TEST(ManualPage, IsRoffWithoutWarnings) {
  if (!IsOnPath("groff")) GTEST_SKIP() << "groff is not on PATH";
  TemporaryFolder folder;
  std::string pages = ManualPage(Table(), kProgramDescription);
  for (const CommandEntry& command : Table()) pages += CommandManualPage(command);
  folder.Write("pages.1", pages);
  EXPECT_THAT(OutputOf("groff -man -Tutf8 -wall -z " + folder.File("pages.1") + " 2>&1"), IsEmpty());
}

TEST(ReferencePage, InTheDocumentationIsWhatTheProgramGenerates) {
  const std::string path = std::string(COLMATCH_SOURCE_DIR) + "/docs/reference/commands.md";
  std::ifstream file(path);
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_TRUE(page.str() == ReferencePage(Table()))
      << path
      << " is not of this program: build/release/colmatch completion reference > docs/reference/commands.md";
}

TEST(ReferencePage, TellsTheDefaultAndTheBoundsThatAreChecked) {
  const std::string page = ReferencePage(Table());
  EXPECT_THAT(page, HasSubstr("| `--SuperPoint.nms_radius` | integer in [0, 64] pixels | `4` |"));
  EXPECT_THAT(page, HasSubstr("| `--SuperGlue.match_threshold` | number in [0, 1) | `0.2` |"));
  for (const char* value : {"-1", "65"}) {
    const ProgramResult result = RunColmatch({"match", "a.jpg", "b.jpg", "--SuperPoint.nms_radius", value});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.output,
                HasSubstr("--SuperPoint.nms_radius must be in [0, 64] pixels, found " + std::string(value)));
  }
}

TEST(Completion, TheHiddenCommandWritesWhatIsInstalled) {
  EXPECT_THAT(RunColmatch({"--help"}).output, Not(HasSubstr("completion")));
  TemporaryFolder folder;
  ASSERT_EQ(RunColmatch({"completion", "all", "--output_path", folder.path() / "share"}).status, 0);
  EXPECT_THAT(NamesIn(folder.path() / "share/man/man1"), Contains("colmatch-match.1"));
  EXPECT_TRUE(fs::exists(folder.path() / "share/bash-completion/completions/colmatch"));
  EXPECT_EQ(RunColmatch({"completion", "all"}).status, 1);
  EXPECT_EQ(RunColmatch({"completion", "man", "--command", "no_such"}).status, 1);
}

}  // namespace
}  // namespace colmatch
