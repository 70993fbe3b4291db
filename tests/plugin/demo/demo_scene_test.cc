// Tests of the demo scene: its cameras, its geometry against its pictures, its files.
#include "plugin/demo/demo_scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <opencv2/imgproc.hpp>

#include "evaluation/model_comparison.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

DemoSceneOptions SmallOptions() {
  DemoSceneOptions options;
  options.num_images = 3;
  options.width = 200;
  options.height = 150;
  return options;
}

std::string Bytes(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

double AngleBetween(const cv::Vec3d& a, const cv::Vec3d& b) {
  return std::acos(a.dot(b) / (cv::norm(a) * cv::norm(b))) * 180 / CV_PI;
}

TEST(DemoScene, SameSeedGivesTheSameBytesAndAnotherSeedDoesNot) {
  DemoSceneOptions options = SmallOptions();
  options.num_images = 2;
  const TemporaryFolder temporary;
  const fs::path first = temporary.path() / "first", again = temporary.path() / "again",
                 other = temporary.path() / "other";
  int calls = 0;
  const auto cameras = RenderDemoScene(options, first, [&](int done, int total) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(total, 2);
  });
  EXPECT_EQ(calls, 2);
  const int threads = cv::getNumThreads();
  cv::setNumThreads(1);
  RenderDemoScene(options, again);
  cv::setNumThreads(threads);
  options.seed = 2;
  RenderDemoScene(options, other);
  for (const DemoCamera& camera : cameras) {
    const std::string bytes = Bytes(first / "images" / camera.name);
    EXPECT_GT(bytes.size(), 1000u);
    EXPECT_EQ(bytes, Bytes(again / "images" / camera.name)) << camera.name;
    EXPECT_NE(bytes, Bytes(other / "images" / camera.name)) << camera.name;
  }
  EXPECT_EQ(Bytes(first / "gt" / "images.txt"), Bytes(again / "gt" / "images.txt"));
}

TEST(DemoScene, TruthFilesHoldTheRenderedCameras) {
  const TemporaryFolder temporary;
  const fs::path folder = temporary.path() / "truth";
  const auto cameras = RenderDemoScene(SmallOptions(), folder);
  const ColmapModel model = ReadColmapModel(folder / "gt");
  ASSERT_EQ(model.cameras.size(), 1u);
  const ColmapModelCamera& intrinsics = model.cameras.begin()->second;
  EXPECT_EQ(intrinsics.model, "PINHOLE");
  EXPECT_EQ(intrinsics.params, (std::vector<double>{cameras[0].focal_px, cameras[0].focal_px, 100, 75}));
  const auto poses = ReadTruth(folder / "gt");
  ASSERT_EQ(poses.size(), cameras.size());
  for (size_t i = 0; i < poses.size(); ++i) {
    EXPECT_EQ(poses[i].name, cameras[i].name);
    EXPECT_TRUE(fs::exists(folder / "images" / cameras[i].name));
    for (int r = 0; r < 3; ++r) {
      EXPECT_NEAR(poses[i].center[r], cameras[i].Center()[r], 1e-9);
      for (int c = 0; c < 3; ++c) EXPECT_NEAR(poses[i].rotation(r, c), cameras[i].rotation(r, c), 1e-12);
    }
  }
}

TEST(DemoScene, NeighboursStandSixToTenDegreesApart) {
  const auto cameras = DemoCameras(DemoSceneOptions{});
  ASSERT_EQ(cameras.size(), 12u);
  const cv::Vec3d corner(0, -2.6, 2);
  for (size_t i = 1; i < cameras.size(); ++i) {
    const double angle = AngleBetween(cameras[i].Center() - corner, cameras[i - 1].Center() - corner);
    EXPECT_GT(angle, 6) << i;
    EXPECT_LT(angle, 10) << i;
  }
}

TEST(DemoScene, TheArcNeverPassesItsLimit) {
  DemoSceneOptions options = SmallOptions();
  options.num_images = 60;
  const auto cameras = DemoCameras(options);
  const cv::Vec3d corner(0, -2.6, 1.9);
  EXPECT_LT(AngleBetween(cameras.front().Center() - corner, cameras.back().Center() - corner), 82);
}

TEST(DemoScene, CamerasFollowColmapsPinholeConvention) {
  const DemoCamera camera = DemoCameras(SmallOptions())[1];
  EXPECT_NEAR(cv::determinant(camera.rotation), 1, 1e-12);
  const cv::Vec3d forward(camera.rotation(2, 0), camera.rotation(2, 1), camera.rotation(2, 2));
  EXPECT_NEAR(camera.Ray(100, 75).dot(forward), 1, 1e-12);  // the middle, not the middle minus half a pixel
  EXPECT_LT(camera.Ray(100, 100)[2], camera.Ray(100, 50)[2]) << "y must point down";
  const cv::Vec2d pixel = camera.Project(camera.Center() + 7.0 * camera.Ray(12.5, 34.25));
  EXPECT_NEAR(pixel[0], 12.5, 1e-9);
  EXPECT_NEAR(pixel[1], 34.25, 1e-9);
}

TEST(DemoScene, RaysMeetTheKnownGroundAndLeaveIntoTheSky) {
  const DemoScene scene = MakeDemoScene(SmallOptions());
  const auto ground = scene.Cast({0.5f, -10, 3}, {0, 0, -1});
  ASSERT_TRUE(ground.has_value());
  EXPECT_NEAR(ground->distance_m, 3, 1e-4);
  EXPECT_NEAR(ground->point[2], 0, 1e-4);
  EXPECT_NEAR(ground->normal[2], 1, 1e-6);
  EXPECT_FALSE(scene.Cast({0.5f, -10, 3}, {0, 0, 1}).has_value());
  EXPECT_FALSE(scene.Cast({0.5f, -10, 3}, {0, 0, -1}, 2.9f).has_value()) << "farther than asked for";
}

// Median difference of the colours at points that both pictures show; `shift_px` moves where the second is
// read.
double MedianColorDifference(const DemoScene& scene, const DemoCamera& a, const DemoCamera& b,
                             const cv::Mat& image_a, const cv::Mat& image_b, int shift_px, int* num_visible) {
  std::vector<double> differences;
  for (int y = 4; y < a.height - 4; y += 3) {
    for (int x = 4; x < a.width - 4; x += 3) {
      const cv::Vec3f center_a = a.Center(), center_b = b.Center();
      const auto hit = scene.Cast(center_a, a.Ray(x + 0.5, y + 0.5));
      if (!hit) continue;
      const cv::Vec2d in_b = b.Project(hit->point);
      const cv::Point pixel(int(std::floor(in_b[0])) + shift_px, int(std::floor(in_b[1])));
      if (pixel.x < 0 || pixel.y < 0 || pixel.x >= b.width || pixel.y >= b.height) continue;
      const cv::Vec3f away = cv::Vec3f(hit->point) - center_b;
      const auto seen = scene.Cast(center_b, cv::normalize(away));
      if (!seen || std::abs(seen->distance_m - cv::norm(away)) > 0.01) continue;  // hidden in b
      differences.push_back(
          cv::norm(cv::Vec3d(image_a.at<cv::Vec3b>(y, x)) - cv::Vec3d(image_b.at<cv::Vec3b>(pixel))));
    }
  }
  *num_visible = int(differences.size());
  std::nth_element(differences.begin(), differences.begin() + differences.size() / 2, differences.end());
  return differences[differences.size() / 2];
}

TEST(DemoScene, TwoViewsAgreeOnTheColourOfTheSamePoint) {
  DemoSceneOptions options = SmallOptions();
  options.width = 400;
  options.height = 300;
  const DemoScene scene = MakeDemoScene(options);
  const auto cameras = DemoCameras(options);
  const cv::Mat left = RenderDemoImage(scene, cameras[0], 1), right = RenderDemoImage(scene, cameras[1], 2);
  int num_visible = 0;
  const double aligned = MedianColorDifference(scene, cameras[0], cameras[1], left, right, 0, &num_visible);
  EXPECT_GT(num_visible, 4000);
  EXPECT_LT(aligned, 16);
  for (const int shift_px : {-3, 3}) {
    EXPECT_GT(MedianColorDifference(scene, cameras[0], cameras[1], left, right, shift_px, &num_visible),
              1.4 * aligned);
  }
}

TEST(DemoScene, OptionsOutOfRangeAreRefusedByName) {
  const auto refuses = [](const std::function<void(DemoSceneOptions&)>& spoil, const std::string& field) {
    DemoSceneOptions options;
    spoil(options);
    try {
      DemoCameras(options);
      ADD_FAILURE() << field << " was taken";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(field), std::string::npos) << error.what();
    }
  };
  refuses([](auto& o) { o.num_images = 1; }, "num_images");
  refuses([](auto& o) { o.width = 10; }, "width");
  refuses([](auto& o) { o.height = 100000; }, "height");
  refuses([](auto& o) { o.step_degrees = 0; }, "step_degrees");
  refuses([](auto& o) { o.step_degrees = NAN; }, "step_degrees");
  refuses([](auto& o) { o.max_arc_degrees = 120; }, "max_arc_degrees");
  refuses([](auto& o) { o.jpeg_quality = 101; }, "jpeg_quality");
}

TEST(DemoScene, AFolderThatCannotBeMadeIsAnEnvironmentError) {
  const TemporaryFolder temporary;
  const fs::path file = temporary.Write("blocked", std::string("not a folder"));
  EXPECT_THROW(RenderDemoScene(SmallOptions(), file / "demo"), EnvironmentError);
}

// Cameras in front of a side of the building, each a quarter of a turn further.
DemoCamera InFrontOf(int side) {
  DemoSceneOptions options;
  options.scene = "building";
  options.num_images = 8;
  options.width = 240;
  options.height = 180;
  DemoCamera camera = DemoCameras(options)[0];
  const double turn = side * CV_PI / 2;
  const cv::Vec3d center(15 * std::sin(turn), -15 * std::cos(turn), 2.5);
  const cv::Vec3d forward = cv::normalize(cv::Vec3d(0, 0, 2.5) - center),
                  right(std::cos(turn), std::sin(turn), 0);
  const cv::Vec3d down = forward.cross(right);
  camera.rotation = {right[0], right[1],   right[2],   down[0],   down[1],
                     down[2],  forward[0], forward[1], forward[2]};
  camera.translation = -(camera.rotation * center);
  return camera;
}

// Correlation of the middles of two pictures' rows `begin` to `end`.
double Alike(const cv::Mat& a, const cv::Mat& b, int begin, int end) {
  cv::Mat x, y, result;
  const cv::Rect middle(70, begin, 100, end - begin);
  cv::cvtColor(a(middle), x, cv::COLOR_BGR2GRAY);
  cv::cvtColor(b(middle), y, cv::COLOR_BGR2GRAY);
  cv::matchTemplate(x, y, result, cv::TM_CCOEFF_NORMED);
  return static_cast<double>(result.at<float>(0, 0));
}

TEST(DemoBuilding, HasFourAlikeSidesInDifferentSurroundings) {
  DemoSceneOptions options;
  options.scene = "building";
  options.num_images = 8;
  options.width = 240;
  options.height = 180;
  const DemoScene scene = MakeDemoScene(options);
  const cv::Mat first = RenderDemoImage(scene, InFrontOf(0), 1);
  for (int side = 1; side < 4; ++side) {
    const cv::Mat other = RenderDemoImage(scene, InFrontOf(side), 1 + static_cast<uint64_t>(side));
    EXPECT_GT(Alike(first, other, 50, 90), 0.7) << side << ": the wall";
    EXPECT_LT(Alike(first, other, 130, 180), 0.5) << side << ": the pavement";
  }
}

TEST(DemoBuilding, IsSeenFromAllAround) {
  DemoSceneOptions options;
  options.scene = "building";
  options.num_images = 36;
  const auto cameras = DemoCameras(options);
  ASSERT_EQ(cameras.size(), 36u);
  for (size_t i = 0; i < cameras.size(); ++i) {
    EXPECT_LT(AngleBetween(cameras[i].Center(), cameras[(i + 1) % 36].Center()), 20);
    EXPECT_LT(AngleBetween(-cameras[i].Center(), cameras[i].Ray(options.width / 2.0, options.height / 2.0)),
              15);
  }
  options.scene = "palace";
  EXPECT_THROW(DemoCameras(options), UsageError);
}

}  // namespace
}  // namespace colmatch
