// Tests of views of reconstructed scenes: the file format and its damaged forms.
#include "training/data/reconstruction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/temporary_folder.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

ReconstructedView View(const std::string& name, int width, int height, int num_points) {
  ReconstructedView view;
  view.name = name;
  view.width = width;
  view.height = height;
  for (int i = 0; i < width * height; ++i) view.pixels.push_back(static_cast<uint8_t>(5 * i));
  view.projection = {100, 0, 80, -0.3, 1e-3, 101, 60, 7, 0, 0.1, 1, 5};
  for (int i = 0; i < num_points; ++i)
    view.points.push_back({uint64_t{1} << (40 + i), 1.0 * i, -2.5, 1e-3 * i});
  return view;
}

class ReconstructionFile : public testing::Test {
 protected:
  std::string Path() const { return folder_.File("street.views"); }
  TemporaryFolder folder_;
};

TEST_F(ReconstructionFile, ComesBackUnchanged) {
  const std::vector<ReconstructedView> views = {View("a/b c.jpg", 4, 3, 2), View("d", 1, 1, 0)};
  WriteReconstruction(Path(), views);
  const Reconstruction read = ReadReconstruction(Path());
  EXPECT_EQ(read.name, "street.views");
  ASSERT_EQ(read.views.size(), views.size());
  for (size_t v = 0; v < views.size(); ++v) {
    EXPECT_EQ(read.views[v].name, views[v].name);
    EXPECT_EQ(read.views[v].width, views[v].width);
    EXPECT_EQ(read.views[v].height, views[v].height);
    EXPECT_EQ(read.views[v].pixels, views[v].pixels);
    EXPECT_EQ(read.views[v].projection, views[v].projection);
    ASSERT_EQ(read.views[v].points.size(), views[v].points.size());
    for (size_t i = 0; i < views[v].points.size(); ++i)
      EXPECT_EQ(std::memcmp(&read.views[v].points[i], &views[v].points[i], 32), 0) << i;
  }
}

TEST_F(ReconstructionFile, TheSmallestHasTheDocumentedBytes) {
  ReconstructedView view = View("a", 2, 1, 0);
  view.projection.fill(0);
  WriteReconstruction(Path(), {view});
  const std::string expected = std::string("CMVIEWS1\x01\0\0\0\x01\0a\x02\0\x01\0", 19) +
                               std::string(96 + 4, '\0') + std::string("\0\x05", 2);
  EXPECT_EQ(ReadWholeFile(Path()), expected);
}

TEST_F(ReconstructionFile, TruncatedLongerAndForeignFilesAreInputErrorsNamingTheFile) {
  WriteReconstruction(Path(), {View("a", 4, 3, 2)});
  const std::string whole = ReadWholeFile(Path());
  std::vector<std::string> bad = {whole + "x", "CMSHARD1" + whole.substr(8)};
  for (size_t length = 0; length < whole.size(); ++length) bad.push_back(whole.substr(0, length));
  for (const std::string& bytes : bad) {
    WriteFileAtomically(Path(), bytes);
    try {
      ReadReconstruction(Path());
      ADD_FAILURE() << "accepted: " << bytes.size() << " bytes";
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(Path(), 0), 0u) << error.what();
    }
  }
}

TEST_F(ReconstructionFile, ProjectionsAndPointsThatAreNoneAreRefusedByTheViewsName) {
  for (const double bad : {0.0, std::nan(""), HUGE_VAL}) {
    ReconstructedView view = View("broken.jpg", 4, 3, 1);
    if (bad == 0)
      view.projection.fill(1);
    else
      view.points[0].y = bad;
    WriteReconstruction(Path(), {View("a", 4, 3, 2), view});
    try {
      ReadReconstruction(Path());
      ADD_FAILURE() << "accepted: " << bad;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("broken.jpg"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace colmatch
