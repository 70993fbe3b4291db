// Tests of the COLMAP model reader on fixtures written byte by byte, whole and damaged.
#include "evaluation/colmap_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class Bytes {
 public:
  template <typename T>
  Bytes& Add(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  Bytes& Name(const std::string& name) {
    text_ += name;
    text_ += '\0';
    return *this;
  }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

void Write(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

// Two cameras, two images (the first sees two points with three keypoints), two points with tracks of 2
// and 1.
struct Files {
  std::string cameras, images, points;
};

Files BinaryFiles() {
  Bytes cameras, images, points;
  cameras.Add<uint64_t>(2);
  cameras.Add<uint32_t>(1).Add<int32_t>(1).Add<uint64_t>(640).Add<uint64_t>(480);
  for (const double param : {500.0, 501.0, 320.0, 240.0}) cameras.Add(param);
  cameras.Add<uint32_t>(7).Add<int32_t>(2).Add<uint64_t>(800).Add<uint64_t>(600);
  for (const double param : {700.0, 400.0, 300.0, -0.1}) cameras.Add(param);

  images.Add<uint64_t>(2);
  images.Add<uint32_t>(3);
  for (const double value : {2.0, 0.0, 0.0, 2.0, 1.0, 2.0, 3.0})
    images.Add(value);  // 90 degrees about z, times 2.83
  images.Add<uint32_t>(1).Name("left view.jpg").Add<uint64_t>(3);
  for (const uint64_t point : {uint64_t{5}, kNoPoint3D, uint64_t{9}}) images.Add(1.5).Add(2.5).Add(point);
  images.Add<uint32_t>(4);
  for (const double value : {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -4.0}) images.Add(value);
  images.Add<uint32_t>(7).Name("sub/right.jpg").Add<uint64_t>(1);
  images.Add(3.5).Add(4.5).Add(uint64_t{5});

  points.Add<uint64_t>(2);
  points.Add<uint64_t>(5).Add(0.5).Add(-0.5).Add(10.0).Add<uint8_t>(1).Add<uint8_t>(2).Add<uint8_t>(3).Add(
      0.25);
  points.Add<uint64_t>(2).Add<uint32_t>(3).Add<uint32_t>(0).Add<uint32_t>(4).Add<uint32_t>(0);
  points.Add<uint64_t>(9).Add(1.0).Add(2.0).Add(3.0).Add<uint8_t>(1).Add<uint8_t>(2).Add<uint8_t>(3).Add(
      0.75);
  points.Add<uint64_t>(1).Add<uint32_t>(3).Add<uint32_t>(2);
  return {cameras.str(), images.str(), points.str()};
}

Files TextFiles() {
  return {"# cameras\n1 PINHOLE 640 480 500 501 320 240\n7 SIMPLE_RADIAL 800 600 700 400 300 -0.1\n",
          "# images\n# two lines each\n3 2 0 0 2 1 2 3 1 left view.jpg\n1.5 2.5 5 1.5 2.5 -1 1.5 2.5 9\n"
          "4 1 0 0 0 0 0 -4 7 sub/right.jpg\n3.5 4.5 5\n",
          "5 0.5 -0.5 10 1 2 3 0.25 3 0 4 0\n9 1 2 3 1 2 3 0.75 3 2\n"};
}

// The files of a model in this folder, and nothing else.
fs::path WriteModel(const fs::path& folder, const Files& files, const std::string& extension) {
  fs::remove_all(folder);
  Write(folder / ("cameras" + extension), files.cameras);
  Write(folder / ("images" + extension), files.images);
  Write(folder / ("points3D" + extension), files.points);
  return folder;
}

void ExpectTheModel(const ColmapModel& model) {
  ASSERT_EQ(model.cameras.size(), 2u);
  EXPECT_EQ(model.cameras.at(1).model, "PINHOLE");
  EXPECT_EQ(model.cameras.at(1).params, (std::vector<double>{500, 501, 320, 240}));
  EXPECT_EQ(model.cameras.at(7).model, "SIMPLE_RADIAL");
  EXPECT_EQ(model.cameras.at(7).width, 800u);
  EXPECT_EQ(model.cameras.at(7).height, 600u);
  ASSERT_EQ(model.images.size(), 2u);
  const ColmapModelImage& left = model.images.at(3);
  EXPECT_EQ(left.name, "left view.jpg");
  EXPECT_EQ(left.camera_id, 1u);
  EXPECT_EQ(left.num_points2D, 3u);
  EXPECT_EQ(left.points, (std::vector<uint64_t>{5, 9}));
  // camera = R world + t with R = 90 degrees about z: the centre is -R^T t.
  EXPECT_TRUE(left.Center().isApprox(Eigen::Vector3d(-2, 1, -3), 1e-12)) << left.Center().transpose();
  EXPECT_TRUE(model.images.at(4).Center().isApprox(Eigen::Vector3d(0, 0, 4), 1e-12));
  EXPECT_EQ(model.images.at(4).name, "sub/right.jpg");
  ASSERT_EQ(model.points.size(), 2u);
  EXPECT_EQ(model.points.at(5).position, Eigen::Vector3d(0.5, -0.5, 10));
  EXPECT_EQ(model.points.at(5).track_length, 2u);
  EXPECT_EQ(model.points.at(9).error_px, 0.75);
}

TEST(ColmapModel, BinaryFilesAreReadAsWritten) {
  const TemporaryFolder temporary;
  ExpectTheModel(ReadColmapModel(WriteModel(temporary.path() / "model", BinaryFiles(), ".bin")));
}

TEST(ColmapModel, TextFilesAreReadAsWritten) {
  const TemporaryFolder temporary;
  ExpectTheModel(ReadColmapModel(WriteModel(temporary.path() / "model", TextFiles(), ".txt")));
}

TEST(ColmapModel, WindowsLineEndsAndEmptyPointLinesAreRead) {
  const TemporaryFolder temporary;
  Files files = TextFiles();
  files.images = "3 1 0 0 0 1 2 3 1 a.jpg\r\n\r\n4 1 0 0 0 0 0 -4 7 b.jpg\r\n\r\n";
  files.points = "";
  const ColmapModel model = ReadColmapModel(WriteModel(temporary.path() / "model", files, ".txt"));
  ASSERT_EQ(model.images.size(), 2u);
  EXPECT_EQ(model.images.at(3).name, "a.jpg");
  EXPECT_EQ(model.images.at(4).num_points2D, 0u);
}

TEST(ColmapModel, StatisticsAreThoseOfModelAnalyzer) {
  const TemporaryFolder temporary;
  const ModelStatistics statistics =
      Summarize(ReadColmapModel(WriteModel(temporary.path() / "model", BinaryFiles(), ".bin")));
  EXPECT_EQ(statistics.num_cameras, 2u);
  EXPECT_EQ(statistics.num_registered, 2u);
  EXPECT_EQ(statistics.num_points, 2u);
  EXPECT_EQ(statistics.num_observations, 3u);
  EXPECT_DOUBLE_EQ(statistics.mean_track_length, 1.5);
  EXPECT_DOUBLE_EQ(statistics.mean_observations_per_image, 1.5);
  EXPECT_DOUBLE_EQ(statistics.mean_reprojection_error_px, 0.5);
}

TEST(ColmapModel, StatisticsOfAnEmptyModelAreZero) {
  const ModelStatistics statistics = Summarize(ColmapModel{});
  EXPECT_EQ(statistics.mean_track_length, 0);
  EXPECT_EQ(statistics.mean_observations_per_image, 0);
  EXPECT_EQ(statistics.mean_reprojection_error_px, 0);
}

TEST(ColmapModel, EveryTruncationOfABinaryFileIsRefused) {
  const TemporaryFolder temporary;
  const Files whole = BinaryFiles();
  for (std::string Files::*part : {&Files::cameras, &Files::images, &Files::points}) {
    for (size_t length = 0; length < (whole.*part).size(); ++length) {
      Files files = whole;
      (files.*part).resize(length);
      EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", files, ".bin")), InputError)
          << "cut to " << length;
    }
  }
}

TEST(ColmapModel, BytesAfterTheLastEntryAreRefused) {
  const TemporaryFolder temporary;
  for (std::string Files::*part : {&Files::cameras, &Files::images, &Files::points}) {
    Files files = BinaryFiles();
    (files.*part) += 'x';
    EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", files, ".bin")), InputError);
  }
}

TEST(ColmapModel, HugeCountsAreRefusedBeforeMemoryIsReserved) {
  const TemporaryFolder temporary;
  const uint64_t huge = std::numeric_limits<uint64_t>::max() / 2;
  for (std::string Files::*part : {&Files::cameras, &Files::images, &Files::points}) {
    Files files = BinaryFiles();
    (files.*part).replace(0, 8, Bytes().Add(huge).str());
    EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", files, ".bin")), InputError);
  }
  Files track = BinaryFiles();
  track.points.replace(8 + 43, 8, Bytes().Add(huge).str());  // the first point's track length
  EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", track, ".bin")), InputError);
}

TEST(ColmapModel, ContradictionsInBinaryFilesAreRefused) {
  const TemporaryFolder temporary;
  Files not_finite = BinaryFiles();
  not_finite.points.replace(8 + 8, 8, Bytes().Add(std::nan("")).str());
  EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", not_finite, ".bin")), InputError);
  Files no_rotation = BinaryFiles();
  no_rotation.images.replace(12, 32, std::string(32, '\0'));
  EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", no_rotation, ".bin")), InputError);
  Files unknown_model = BinaryFiles();
  unknown_model.cameras.replace(12, 4, Bytes().Add<int32_t>(99).str());
  EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", unknown_model, ".bin")), InputError);
  Files unknown_camera = BinaryFiles();
  unknown_camera.cameras.replace(8, 4, Bytes().Add<uint32_t>(2).str());  // camera 1 of image 3 is gone
  EXPECT_THROW(ReadColmapModel(WriteModel(temporary.path() / "model", unknown_camera, ".bin")), InputError);
}

TEST(ColmapModel, BadTextIsRefusedWithFileAndLine) {
  const TemporaryFolder temporary;
  struct Case {
    std::string Files::*part;
    std::string text, expected;
  };
  const Case cases[] = {
      {&Files::cameras, "1 PINHOLE 640 480 500 501 320\n", "cameras.txt:1"},
      {&Files::cameras, "# c\n1 PINHOLE 640 x80 500 501 320 240\n", "cameras.txt:2"},
      {&Files::cameras, "1 PINHOLE 640 480 500 501 320 24zz\n", "cameras.txt:1"},
      {&Files::cameras, "1 PINHOLE 0 480 500 501 320 240\n", "cameras.txt:1"},
      {&Files::cameras, "1\n", "MODEL"},
      {&Files::cameras, "1 PINHOLE 6 4 5 5 3 2\n1 PINHOLE 6 4 5 5 3 2\n", "twice"},
      {&Files::images, "3 1 0 0 0 1 2 3 1 a.jpg", "truncated"},
      {&Files::images, "3 1 0 0 0 1 2 3 1\n\n", "no name"},
      {&Files::images, "3 1 0 0 0 1 2 nan 1 a.jpg\n\n", "pose"},
      {&Files::images, "3 1 0 0 0 1 2 3 1 a.jpg\n1.5 2.5\n", "POINT3D_ID"},
      {&Files::images, "3 1 0 0 0 1 2 3 8 a.jpg\n\n", "camera 8"},
      {&Files::points, "5 0.5 -0.5 inf 1 2 3 0.25\n", "finite"},
      {&Files::points, "5 0.5 -0.5 1 1 2 3 0.25 3\n", "POINT2D_IDX"},
  };
  for (const Case& bad : cases) {
    Files files = TextFiles();
    files.*bad.part = bad.text;
    try {
      ReadColmapModel(WriteModel(temporary.path() / "model", files, ".txt"));
      ADD_FAILURE() << "taken: " << bad.text;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(bad.expected), std::string::npos) << error.what();
    }
  }
}

TEST(ColmapModel, AFolderWithoutAModelIsRefused) {
  const TemporaryFolder temporary;
  const fs::path folder = WriteModel(temporary.path() / "model", BinaryFiles(), ".bin");
  fs::remove(folder / "points3D.bin");
  EXPECT_THROW(ReadColmapModel(folder), InputError);
  EXPECT_THROW(ReadColmapModel(folder / "nowhere"), InputError);
}

TEST(ColmapModel, ModelsAreFoundLargestFirst) {
  const TemporaryFolder temporary;
  const fs::path sparse = temporary.path() / "sparse";
  EXPECT_TRUE(FindColmapModels(sparse).empty());
  Files small = TextFiles();
  small.images = "4 1 0 0 0 0 0 -4 7 b.jpg\n\n";
  for (const auto& [name, files] :
       {std::pair{"0", small}, std::pair{"1", TextFiles()}, std::pair{"2", small}}) {
    fs::create_directories(sparse);
    fs::rename(WriteModel(temporary.path() / "model", files, ".txt"), sparse / name);
  }
  Write(sparse / "3" / "note.txt", "not a model");
  EXPECT_EQ(FindColmapModels(sparse), (std::vector<fs::path>{sparse / "1", sparse / "0", sparse / "2"}));
  EXPECT_EQ(FindColmapModels(sparse / "1"), std::vector<fs::path>{sparse / "1"});
}

}  // namespace
}  // namespace colmatch
