// Tests of which files of a folder are photos.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "plugin/photos/image_reader.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string UsageErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ListImages, NamesAreRelativeRecursiveAndSortedAsBytes) {
  const TemporaryFolder folder;
  for (const char* name : {"b.jpg", "sub/ünï çödé 図.JPG", "a-b/x.png", "a/y.png", "-dash.png"}) {
    folder.Write(name, "x");
  }
  const auto expected = ElementsAre("-dash.png", "a-b/x.png", "a/y.png", "b.jpg", "sub/ünï çödé 図.JPG");
  EXPECT_THAT(ListImages(folder.path()), expected);
  EXPECT_THAT(ListImages(folder.path().string() + "/"), expected);
}

TEST(ListImages, FilesThatAreNoPhotosByTheirSuffixAreLeftOutUnlessAListNamesThem) {
  const TemporaryFolder folder;
  for (const char* name :
       {"a.jpg", "b.TIFF", "LICENSE", "LICENSE.txt", "sub/labels.json", "c.jpg.txt", ".jpg", "jpg"}) {
    folder.Write(name, "x");
  }
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.jpg", "b.TIFF"));
  const fs::path list = folder.Write("list.txt", "LICENSE\na.jpg");
  EXPECT_THAT(ListImages(folder.path(), list), ElementsAre("LICENSE", "a.jpg"));
}

TEST(ListImages, PhotosOfFormatsThatCannotBeReadAreNamedSoThatTheyCanBeReported) {
  const TemporaryFolder folder;
  for (const char* name : {"a.HEIC", "b.dng", "c.gif"}) folder.Write(name, "x");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.HEIC", "b.dng", "c.gif"));
}

TEST(ListImages, BrokenLinksAndSpecialFilesAreNamedSoThatTheyCanBeReported) {
  const TemporaryFolder folder;
  fs::create_symlink("nowhere", folder.path() / "broken.jpg");
  ASSERT_EQ(mkfifo((folder.path() / "fifo.jpg").c_str(), 0600), 0);
  fs::create_directory(folder.path() / "folder.jpg");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("broken.jpg", "fifo.jpg"));
}

TEST(ListImages, LinksToFoldersAreFollowedAndEachFolderIsReadOnce) {
  const TemporaryFolder folder;
  folder.Write("elsewhere/deep/b.jpg", "x");
  folder.Write("photos/real/a.jpg", "x");
  const fs::path photos = folder.path() / "photos";
  fs::create_directory_symlink(folder.path() / "elsewhere", photos / "link");
  fs::create_directory_symlink(photos, photos / "real" / "circle");
  fs::create_directory_symlink(photos / "real", photos / "again");
  EXPECT_THAT(ListImages(photos), ElementsAre("link/deep/b.jpg", "real/a.jpg"));
  fs::create_directory_symlink(photos, folder.path() / "root");
  EXPECT_THAT(ListImages(folder.path() / "root"), ElementsAre("link/deep/b.jpg", "real/a.jpg"));
}

TEST(ListImages, WhatSystemsPutBesidePhotosIsLeftOut) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "._a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "sub/@eaDir/x.jpg",
                           "__MACOSX/a.jpg", ".Trash-1000/files/b.jpg", "#recycle/b.jpg", ".thumbnails/c.jpg",
                           "sub/._b.jpg", "sub/.hidden.jpg", "sub/b.jpg"})
    folder.Write(name, "x");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.jpg", "sub/.hidden.jpg", "sub/b.jpg"));
}

TEST(ListImages, AMissingOrEmptyFolderIsAUsageErrorThatNamesIt) {
  const TemporaryFolder folder;
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path() / "gone"); }), HasSubstr("gone' does not exist"));
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path()); }), HasSubstr("holds no photos"));
  folder.Write("LICENSE.txt", "x");
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path()); }), HasSubstr("holds no photos"));
  fs::remove(folder.path() / "LICENSE.txt");
  const fs::path file = folder.Write("file", "x");
  EXPECT_THAT(UsageErrorOf([&] { ListImages(file); }), HasSubstr("is not a folder"));
}

TEST(ListImages, AListGivesItsNamesOnceAndSortedWhetherOrNotTheyExist) {
  const TemporaryFolder folder;
  const fs::path list = folder.Write("list.txt", "b.jpg\r\n\n  a b.jpg \nb.jpg\nsub/c.jpg");
  EXPECT_THAT(ListImages(folder.path(), list), ElementsAre("a b.jpg", "b.jpg", "sub/c.jpg"));
}

TEST(ListImages, AListThatIsMissingEmptyOrLeavesTheFolderIsAUsageError) {
  const TemporaryFolder folder;
  const auto error_of = [&](const fs::path& list) {
    return UsageErrorOf([&] { ListImages(folder.path(), list); });
  };
  EXPECT_THAT(error_of(folder.path() / "gone.txt"), HasSubstr("gone.txt' cannot be read"));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("cannot be read"));
  EXPECT_THAT(error_of(folder.Write("empty.txt", " \n\n")), HasSubstr("names no image"));
  EXPECT_THAT(error_of(folder.Write("up.txt", "../secret.jpg")), HasSubstr("../secret.jpg"));
  EXPECT_THAT(error_of(folder.Write("absolute.txt", "/etc/passwd")), HasSubstr("/etc/passwd"));
}

}  // namespace
}  // namespace colmatch
