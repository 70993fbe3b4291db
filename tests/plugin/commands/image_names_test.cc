// Names of images as people and other programs write them, in lists, folders and databases.
#include "util/image_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "database_io/colmap_database.h"
#include "plugin/photos/image_reader.h"
#include "tests/message_of.h"
#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(NormalImageName, IsThatOfColmap) {
  const std::pair<const char*, const char*> cases[] = {{"a.jpg", "a.jpg"},
                                                       {"./a.jpg", "a.jpg"},
                                                       {"././sub//a.jpg", "sub/a.jpg"},
                                                       {"sub\\a.jpg", "sub/a.jpg"},
                                                       {".\\sub\\.\\a.jpg", "sub/a.jpg"},
                                                       {"sub/../a.jpg", "sub/../a.jpg"},
                                                       {"/abs//a.jpg", "/abs/a.jpg"},
                                                       {"a b/.hidden.jpg", "a b/.hidden.jpg"},
                                                       {"", ""}};
  for (const auto& [name, normal] : cases) EXPECT_EQ(NormalImageName(name), normal) << name;
}

TEST(ImageNames, AreFoundAsTheyAreOrInNormalFormUnlessThatIsOfTwo) {
  const ImageNames names({"a.jpg", "./b.jpg", "sub\\c.jpg", "x/d.jpg", "./x/d.jpg"});
  EXPECT_EQ(names.Find("a.jpg"), 0);
  EXPECT_EQ(names.Find("./a.jpg"), 0);
  EXPECT_EQ(names.Find("b.jpg"), 1);
  EXPECT_EQ(names.Find("sub/c.jpg"), 2);
  EXPECT_EQ(names.Find("x/d.jpg"), 3) << "the very name";
  EXPECT_EQ(names.Find("x//d.jpg"), -1) << "either";
  EXPECT_EQ(names.Find("e.jpg"), -1);
}

std::string RestOf(const std::string& text) {
  std::istringstream stream(text);
  SkipByteOrderMark(stream, "list.txt");
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(SkipByteOrderMark, TakesTheMarkOfUtf8AwayAndRefusesWiderText) {
  EXPECT_EQ(RestOf("\xEF\xBB\xBF"
                   "a.jpg"),
            "a.jpg");
  for (const char* text : {"", "a", "ab", "a.jpg\n", "\xEF\xBB", "\xC3\xBC.jpg"})
    EXPECT_EQ(RestOf(text), text);
  for (const std::string& wide : {std::string("\xFF\xFE"
                                              "a\0",
                                              4),
                                  std::string("\xFE\xFF\0a", 4), std::string("a\0.\0", 4),
                                  std::string("\0a\0.", 4), std::string("\xFF\xFE\0\0a\0\0\0", 8)}) {
    EXPECT_THAT(MessageOf<UsageError>([&] { RestOf(wide); }), HasSubstr("list.txt is text in UTF-16"));
  }
}

TEST(ListImages, ReadsListsWithMarksWindowsLinesAndOtherSpellings) {
  TemporaryFolder folder;
  fs::create_directories(folder.path() / "photos/sub");
  const auto list = folder.Write(
      "list.txt", std::string("\xEF\xBB\xBF./b.jpg\r\n\r\nsub\\a.jpg\r\nsub/a.jpg\r\n  c d.jpg \r\n"));
  EXPECT_EQ(ListImages(folder.path() / "photos", list),
            (std::vector<std::string>{"b.jpg", "c d.jpg", "sub/a.jpg"}));
  const auto wide = folder.Write("wide.txt", std::string("\xFF\xFE"
                                                         "b\0.\0",
                                                         6));
  EXPECT_THAT(MessageOf<UsageError>([&] { ListImages(folder.path() / "photos", wide); }),
              HasSubstr(wide.string()));
  folder.Write("photos/odd\\name.jpg", std::string("x"));
  const auto odd = folder.Write("odd.txt", std::string("odd\\name.jpg\n"));
  EXPECT_EQ(ListImages(folder.path() / "photos", odd), std::vector<std::string>{"odd\\name.jpg"})
      << "a file may have that very name";
}

TEST(ListImages, ReadsAbsolutePathsIntoTheFolderAndNamesThatEndInBlanks) {
  TemporaryFolder folder;
  const fs::path photos = folder.path() / "photos";
  for (const char* name : {"photos/a.jpg", "photos/b.jpg ", "photos/c.jpg "}) folder.Write(name, "x");
  const auto list = folder.Write("list.txt", photos.string() + "/./a.jpg\r\nb.jpg \r\n");
  EXPECT_EQ(ListImages(photos, list), (std::vector<std::string>{"a.jpg", "b.jpg "}));
  EXPECT_EQ(ListImages(photos), (std::vector<std::string>{"a.jpg", "b.jpg ", "c.jpg "}));
}

TEST(Names, OfAListOfAFolderAndOfADatabaseMeanOneImage) {
  TemporaryFolder folder;
  const auto photos = folder.path() / "photos";
  CopyTwoTestPhotos(photos);
  const std::string database = folder.File("a.db");
  auto arguments = ExtractArguments(database, photos);
  const auto list = folder.Write("list.txt", std::string("\xEF\xBB\xBF./courtyard_00.jpg\r\n"));
  arguments.insert(arguments.end(), {"--image_list_path", list});
  ASSERT_EQ(RunColmatch(arguments).status, 0);
  // Another program's spelling.
  Connection(database, OpenMode::kReadWrite).Execute("UPDATE images SET name = '.\\courtyard_00.jpg'");
  const ProgramResult again = RunColmatch(ExtractArguments(database, photos));
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("1 were there already"));
  EXPECT_EQ(ColmapDatabase(database, DatabaseMode::kReadOnly).Counts().images, 2);
  const auto pairs =
      folder.Write("pairs.txt", std::string("\xEF\xBB\xBF./courtyard_01.jpg courtyard_00.jpg\r\n"));
  const ProgramResult matched =
      RunColmatch({"matches_importer", "--database_path", database, "--match_list_path", pairs, "--weights",
                   "fast", "--num_threads", "1"});
  EXPECT_EQ(matched.status, 0) << matched.output;
  EXPECT_EQ(ColmapDatabase(database, DatabaseMode::kReadOnly).Counts().matched_pairs, 1);
}

}  // namespace
}  // namespace colmatch
