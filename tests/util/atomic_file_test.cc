// Tests of writing and reading whole files: what is left beside them, what is removed, and how failures are
// told.
#include "util/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/temporary_folder.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// No process can have this number: the kernel's largest is 4194304.
constexpr char kDeadProcess[] = "99999999";

template <typename Action>
std::string EnvironmentErrorOf(const Action& action) {
  try {
    action();
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "no EnvironmentError";
}

TEST(WriteFileAtomically, ReplacesTheFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder.File("a"), "first");
  WriteFileAtomically(folder.File("a"), std::string("sec\0nd", 6));
  EXPECT_EQ(ReadWholeFile(folder.File("a")), std::string("sec\0nd", 6));
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("a"));
}

TEST(WriteFileAtomically, AFolderInTheWayIsNamedAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "a");
  EXPECT_THAT(EnvironmentErrorOf([&] { WriteFileAtomically(folder.File("a"), "text"); }),
              HasSubstr(folder.File("a")));
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("a"));
}

TEST(WriteFileAtomically, DoesNotFollowALinkThatSomeonePlantedBeside) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.txt"), victim = folder.File("victim.txt");
  folder.Write("victim.txt", std::string("precious"));
  std::filesystem::create_symlink(victim, path + ".tmp" + std::to_string(getpid()));
  WriteFileAtomically(path, "new");
  EXPECT_EQ(ReadWholeFile(victim), "precious");
  EXPECT_EQ(ReadWholeFile(path), "new");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST(RemoveStaleTemporaries, RemovesThoseOfDeadProcessesForThisFileAndNothingElse) {
  const TemporaryFolder folder;
  const std::string dead = std::string(".tmp") + kDeadProcess, living = ".tmp" + std::to_string(getpid());
  for (const std::string& name :
       {std::string("a"), "a" + dead, "a" + living, std::string("a.tmp"), "a" + dead + "x",
        std::string("a.tmp-5"), std::string("a.tmp0"), "b" + dead, "ba" + dead}) {
    folder.Write(name, "x");
  }
  fs::create_directory(folder.path() / "c");
  fs::create_directory(folder.path() / ("c" + dead));
  RemoveStaleTemporaries(folder.File("a"));
  RemoveStaleTemporaries(folder.File("c"));
  EXPECT_THAT(NamesIn(folder.path()),
              UnorderedElementsAre("a", "a" + living, "a.tmp", "a" + dead + "x", "a.tmp-5", "a.tmp0",
                                   "b" + dead, "ba" + dead, "c", "c" + dead));
}

TEST(RemoveStaleTemporaries, AFolderThatIsNotThereHasNone) {
  const TemporaryFolder folder;
  EXPECT_NO_THROW(RemoveStaleTemporaries(folder.File("none/a")));
}

TEST(MakeFolder, MakesFoldersAboveAndIsContentWithOneThatIsThere) {
  const TemporaryFolder folder;
  MakeFolder(folder.File("a/b/c"));
  MakeFolder(folder.File("a/b/c"));
  EXPECT_TRUE(fs::is_directory(folder.path() / "a/b/c"));
}

TEST(MakeFolder, AFileInTheWayIsNamed) {
  const TemporaryFolder folder;
  folder.Write("file", "x");
  for (const char* name : {"file", "file/below"}) {
    EXPECT_THAT(EnvironmentErrorOf([&] { MakeFolder(folder.File(name)); }), HasSubstr(folder.File(name)));
  }
}

TEST(ReadWholeFile, WhatIsNoFileIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(EnvironmentErrorOf([&] { ReadWholeFile(folder.File("none")); }), HasSubstr("none"));
  EXPECT_THAT(EnvironmentErrorOf([&] { ReadWholeFile(folder.path()); }), HasSubstr("not a regular file"));
  EXPECT_EQ(ReadWholeFile(folder.Write("empty", "")), "");
}

}  // namespace
}  // namespace colmatch
