// The model as it is shown: its frame, its samples, its pictures.
#include "plugin/report/model_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

#include "plugin/report/model_picture.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

using testing::SizeIs;

// A wall of 4,000 red points at z = 10 in a world that stands on its head, seen by three cameras side by
// side.
ColmapModel Wall() {
  ColmapModel model;
  model.cameras[1] = {"PINHOLE", 640, 480, {500, 500, 320, 240}};
  for (uint32_t i = 0; i < 3; ++i) {
    ColmapModelImage image;
    image.name = std::string(1, static_cast<char>('a' + i)) + ".jpg";
    image.camera_id = 1;
    image.rotation = Eigen::Quaterniond(0, 0, 0, 1);  // half a turn about the line of sight
    image.translation = -(image.rotation * Eigen::Vector3d(2.0 * i - 2, 0, 0));
    model.images[i + 1] = image;
  }
  std::mt19937 rng(1);
  std::uniform_real_distribution<double> away(-3, 3);
  for (uint64_t id = 0; id < 4000; ++id) {
    ColmapModelPoint point;
    point.position = {away(rng), away(rng), 10};
    point.rgb = {200, 20, 10};
    model.points[id] = point;
  }
  model.points[4000].position = {1e7, 0, 0};  // at infinity
  return model;
}

TEST(ModelView, StandsUprightInTheMiddleAndHasSizeOne) {
  const ModelView view = MakeModelView(Wall(), {"a.jpg", "b.jpg", "c.jpg"}, 100000);
  EXPECT_EQ(view.num_points, 4001u);
  EXPECT_THAT(view.positions, SizeIs(4000)) << "the point at infinity is left out";
  EXPECT_THAT(view.rgbs, SizeIs(4000));
  int near = 0;
  cv::Vec3d sum(0, 0, 0);
  for (const cv::Vec3f& p : view.positions) {
    near += cv::norm(p) <= 1.0001;
    sum += cv::Vec3d(p);
  }
  EXPECT_NEAR(near, 3600, 5);
  EXPECT_LT(cv::norm(sum) / 4000, 0.05);
  ASSERT_THAT(view.cameras, SizeIs(3));
  for (const auto& camera : view.cameras) {
    EXPECT_GT(camera.corners[0][1], 0) << "the photo's upper edge is up";
    EXPECT_LT(camera.corners[3][1], 0);
    EXPECT_NEAR(cv::norm(camera.corners[1] - camera.corners[0]), 640.0 / 500, 1e-3);
  }
  const cv::Vec3f to_cameras = cv::normalize(view.cameras[1].center);
  EXPECT_GT(cv::normalize(view.eye).dot(to_cameras), 0.85)
      << "it is looked at from where the photographers stood";
}

TEST(ModelView, TakesAFairSampleAndTheSameOneAlways) {
  ColmapModel model = Wall();
  for (auto& [id, point] : model.points) point.rgb[2] = id % 2 == 0 ? 255 : 0;
  const ModelView view = MakeModelView(model, {}, 1000), again = MakeModelView(model, {}, 1000);
  EXPECT_THAT(view.positions, SizeIs(1000));
  EXPECT_EQ(view.rgbs, again.rgbs);
  EXPECT_THAT(view.cameras, SizeIs(0)) << "images that the report does not know";
  const auto even =
      std::count_if(view.rgbs.begin(), view.rgbs.end(), [](const auto& rgb) { return rgb[2] == 255; });
  EXPECT_NEAR(static_cast<double>(even), 500, 60);
}

TEST(ModelView, ShowsModelsWithoutPointsOrCameras) {
  ColmapModel nothing;
  EXPECT_THAT(MakeModelView(nothing, {}, 10).positions, SizeIs(0));
  ColmapModel cameras = Wall();
  cameras.points.clear();
  const ModelView view = MakeModelView(cameras, {"a.jpg", "c.jpg"}, 10);
  ASSERT_THAT(view.cameras, SizeIs(2));
  EXPECT_EQ(view.cameras[1].image, 1);
  EXPECT_EQ(DrawModel(view, {64, 48}).size(), cv::Size(64, 48));
}

TEST(ModelView, CarriesSmallPicturesOfThePhotos) {
  TemporaryFolder folder;
  cv::imwrite((folder.path() / "a.jpg").string(), cv::Mat(1200, 1600, CV_8UC3, cv::Scalar(0, 200, 0)));
  ModelView view = MakeModelView(Wall(), {"a.jpg", "b.jpg"}, 10);
  AddThumbnails(view, {"a.jpg", "b.jpg"}, folder.path(), 100);
  const cv::Mat small = cv::imdecode(view.cameras[0].jpeg, cv::IMREAD_COLOR);
  EXPECT_EQ(small.size(), cv::Size(240, 180));
  EXPECT_GT(small.at<cv::Vec3b>(90, 120)[1], 190);
  EXPECT_TRUE(view.cameras[1].jpeg.empty()) << "b.jpg is not there";
}

int CountNear(const cv::Mat& picture, const cv::Vec3b& colour) {
  cv::Mat mask;
  cv::inRange(picture, cv::Scalar(colour[0] - 30.0, colour[1] - 30.0, colour[2] - 30.0),
              cv::Scalar(colour[0] + 30.0, colour[1] + 30.0, colour[2] + 30.0), mask);
  return cv::countNonZero(mask);
}

TEST(ModelPicture, ShowsPointsInTheirColoursAndCameras) {
  const ModelView view = MakeModelView(Wall(), {"a.jpg", "b.jpg", "c.jpg"}, 100000);
  const cv::Mat picture = DrawModel(view, {640, 480});
  EXPECT_GT(CountNear(picture, {10, 20, 200}), 4000) << "the wall";
  EXPECT_GT(CountNear(picture, {233, 180, 86}), 100) << "the cameras";
  EXPECT_EQ(CountNear(DrawModel(ModelView{{}, {}, {}, 0, {0, 0, 2}}, {64, 48}), {10, 20, 200}), 0);
}

TEST(ModelPicture, FitsATerminal) {
  const ModelView view = MakeModelView(Wall(), {"a.jpg"}, 100000);
  const std::string text = ModelForTerminal(view, 40, 12);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 12);
  size_t blocks = 0;
  for (size_t at = text.find("\xE2\x96\x80"); at != std::string::npos; at = text.find("\xE2\x96\x80", at + 1))
    ++blocks;
  EXPECT_EQ(blocks, 40u * 12);
}

}  // namespace
}  // namespace colmatch
