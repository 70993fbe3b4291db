// `colmatch prepare_views` from outside: photos are undistorted so that the model's points lie where the
// view's projection says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "geometry/camera.h"
#include "geometry/undistort.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"
#include "training/data/reconstruction.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

// One photo of 800 x 600 taken with strong distortion: black, with a white dot where it sees point 5.
class PrepareViews : public testing::Test {
 protected:
  void SetUp() override {
    const Camera camera = [] {
      Camera c;
      c.model_id = static_cast<int>(CameraModelByName("RADIAL").id);
      c.width = 800;
      c.height = 600;
      c.params = {600, 410, 290, -0.2, 0.05};
      return c;
    }();
    const Eigen::Vector2d dot = ProjectNormalized(camera, {0.5, -0.3});  // point (1, -0.6, 2) from the origin
    cv::Mat photo(600, 800, CV_8U, cv::Scalar(0));
    cv::circle(photo, cv::Point2d(dot.x() - 0.5, dot.y() - 0.5) * 256, 6 * 256, 255, cv::FILLED, cv::LINE_AA,
               8);
    std::filesystem::create_directories(folder_.path() / "photos");
    cv::imwrite(folder_.File("photos/dot.png"), photo);
    folder_.Write("model/cameras.txt", std::string("1 RADIAL 800 600 600 410 290 -0.2 0.05\n"));
    folder_.Write("model/images.txt", std::string("1 1 0 0 0 0 0 0 1 dot.png\n1 2 5 3 4 6 5 6 7\n"));
    folder_.Write("model/points3D.txt",
                  std::string("5 1 -0.6 2 1 2 3 0.5 1 0 2 0 3 0\n6 0 0 1 1 2 3 9.5 1 1 2 1 3 1\n"
                              "7 0 0 1 1 2 3 0.5 1 2 2 2\n"));
  }
  ProgramResult Prepare(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "prepare_views",       "--image_path", folder_.File("photos"), "--input_path",
        folder_.File("model"), "--output",     folder_.File("a.views")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunColmatch(arguments);
  }
  TemporaryFolder folder_;
};

TEST_F(PrepareViews, ShowEachPointWhereTheProjectionSays) {
  for (const char* size : {"800", "640", "333"}) {
    const ProgramResult result = Prepare({"--max_image_size", size});
    ASSERT_EQ(result.status, 0) << result.output;
    const ReconstructedView view = ReadReconstruction(folder_.File("a.views")).views.at(0);
    EXPECT_EQ(std::to_string(view.width), size);
    ASSERT_EQ(view.points.size(), 1u) << "the point of a large error and that of a short track do not count";
    const auto& p = view.projection;
    const ScenePoint3D& x = view.points[0];
    double projected[3];
    for (size_t i = 0; i < 3; ++i)
      projected[i] = p[4 * i] * x.x + p[4 * i + 1] * x.y + p[4 * i + 2] * x.z + p[4 * i + 3];
    EXPECT_NEAR(projected[2], 2, 1e-9);
    const cv::Mat pixels(view.height, view.width, CV_8U, const_cast<uint8_t*>(view.pixels.data()));
    const cv::Moments moments = cv::moments(pixels);
    EXPECT_NEAR(projected[0] / projected[2], moments.m10 / moments.m00, 0.1) << size;
    EXPECT_NEAR(projected[1] / projected[2], moments.m01 / moments.m00, 0.1) << size;
  }
}

TEST_F(PrepareViews, APhotoOfAnotherSizeThanItsCameraIsNamedAndLeftOut) {
  folder_.Write("model/cameras.txt", std::string("1 RADIAL 640 480 600 410 290 -0.2 0.05\n"));
  const ProgramResult result = Prepare();
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("dot.png: is 800x600 pixels, its camera in the model 640x480"));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("a.views")));
}

TEST_F(PrepareViews, AModelThatContradictsItselfIsRefused) {
  folder_.Write("model/points3D.txt", std::string("5 1 -0.6 2 1 2 3 0.5 1 0\n"));
  EXPECT_THAT(Prepare().output, HasSubstr("sees point 6, which the model does not have"));
}

}  // namespace
}  // namespace colmatch
