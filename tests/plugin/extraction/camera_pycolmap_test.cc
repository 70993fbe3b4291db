// COLMAP as judge of the camera models: pycolmap projects and unprojects the same points.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "geometry/undistort.h"
#include "plugin/extraction/camera_choice.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

// Parameters after the principal point that every term of the model feels, mild enough to have an inverse.
std::vector<double> ExtraParams(const CameraModelInfo& model) {
  switch (model.id) {
    case CameraModelId::kFov:
      return {0.8};
    case CameraModelId::kEucm:
      return {0.6, 1.1};
    case CameraModelId::kSimpleDivision:
    case CameraModelId::kDivision:
      return {-0.12};
    default:
      break;
  }
  std::vector<double> params;
  for (int i = model.num_focal_lengths + 2; i < model.num_params; ++i)
    params.push_back((i % 2 == 0 ? 0.02 : -0.013) / (1 + 0.3 * i));
  return params;
}

std::vector<Camera> OneOfEachModel() {
  std::vector<Camera> cameras;
  for (int id = 0; id <= static_cast<int>(CameraModelId::kEquirectangular); ++id) {
    const CameraModelInfo& model = CameraModelById(id);
    Camera camera = InitialCamera(model.name, 640, 480, {}, 0.8);
    if (model.num_focal_lengths == 2) camera.params[1] *= 1.05;
    if (model.num_focal_lengths > 0) {
      camera.params.resize(static_cast<std::size_t>(model.num_focal_lengths) + 2);
      for (const double value : ExtraParams(model)) camera.params.push_back(value);
    }
    cameras.push_back(camera);
  }
  return cameras;
}

struct Case {
  Camera camera;
  Eigen::Vector2d normalized;
};

std::string AsText(const std::vector<Case>& cases) {
  std::ostringstream text;
  text.precision(17);
  for (const Case& c : cases) {
    text << c.camera.model_id << ' ' << c.camera.width << ' ' << c.camera.height << ' '
         << c.camera.params.size();
    for (const double value : c.camera.params) text << ' ' << value;
    text << ' ' << c.normalized.transpose() << '\n';
  }
  return text.str();
}

TEST(CameraModelJudge, PycolmapProjectsAndUnprojectsEveryModelTheSame) {
  const char* python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (!python) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap";
  std::vector<Case> cases;
  for (const Camera& camera : OneOfEachModel()) {
    for (const double u : {-0.61, -0.2, 0.0, 0.33, 0.7}) {
      for (const double v : {-0.45, 0.0, 0.12, 0.5}) cases.push_back({camera, {u, v}});
    }
  }
  const TemporaryFolder folder;
  const std::string input = folder.Write("cases.txt", AsText(cases)).string();
  const std::string output = (folder.path() / "answers.txt").string();
  const std::string command = std::string("'") + python +
                              "' '" COLMATCH_SOURCE_DIR "/tests/plugin/extraction/pycolmap_cameras.py' '" +
                              input + "' > '" + output + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream answers(output);
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << CameraModelById(c.camera.model_id).name << " at "
                                    << c.normalized.transpose());
    std::string x, y, u, v;  // std::istream does not read "nan"
    ASSERT_TRUE(answers >> x >> y >> u >> v);
    ASSERT_NE(x, "nan") << "the case is no test: COLMAP cannot project it";
    ASSERT_NE(u, "nan") << "the case is no test: COLMAP cannot unproject it";
    const Eigen::Vector2d pixel = ProjectNormalized(c.camera, c.normalized);
    EXPECT_NEAR(pixel.x(), std::stod(x), 1e-6);
    EXPECT_NEAR(pixel.y(), std::stod(y), 1e-6);
    const Eigen::Vector2d back = UndistortToNormalized(c.camera, {pixel})[0];
    EXPECT_NEAR(back.x(), std::stod(u), 1e-6);
    EXPECT_NEAR(back.y(), std::stod(v), 1e-6);
    EXPECT_NEAR(back.x(), c.normalized.x(), 1e-7);
    EXPECT_NEAR(back.y(), c.normalized.y(), 1e-7);
  }
}

}  // namespace
}  // namespace colmatch
