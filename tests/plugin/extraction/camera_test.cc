// Camera models, EXIF focal lengths and camera sharing against COLMAP's rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "geometry/undistort.h"
#include "plugin/extraction/camera_choice.h"
#include "tests/message_of.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ExifInfo ExifOf(const std::string& make, const std::string& model, double focal_35mm) {
  ExifInfo exif;
  exif.make = make;
  exif.model = model;
  exif.focal_length_35mm = focal_35mm;
  return exif;
}

TEST(CameraModel, NamesIdsAndParameterCountsAreColmaps) {
  const struct {
    const char* name;
    int id, num_params;
  } expected[] = {{"SIMPLE_PINHOLE", 0, 3},
                  {"PINHOLE", 1, 4},
                  {"SIMPLE_RADIAL", 2, 4},
                  {"RADIAL", 3, 5},
                  {"OPENCV", 4, 8},
                  {"OPENCV_FISHEYE", 5, 8},
                  {"FULL_OPENCV", 6, 12},
                  {"FOV", 7, 5},
                  {"SIMPLE_RADIAL_FISHEYE", 8, 4},
                  {"RADIAL_FISHEYE", 9, 5},
                  {"THIN_PRISM_FISHEYE", 10, 12},
                  {"RAD_TAN_THIN_PRISM_FISHEYE", 11, 16},
                  {"SIMPLE_DIVISION", 12, 4},
                  {"DIVISION", 13, 5},
                  {"SIMPLE_FISHEYE", 14, 3},
                  {"FISHEYE", 15, 4},
                  {"EUCM", 16, 6},
                  {"EQUIRECTANGULAR", 17, 2}};
  for (const auto& e : expected) {
    const CameraModelInfo& model = CameraModelByName(e.name);
    EXPECT_EQ(static_cast<int>(model.id), e.id) << e.name;
    EXPECT_EQ(model.num_params, e.num_params) << e.name;
    EXPECT_STREQ(CameraModelById(e.id).name, e.name);
    const std::string names = model.params_info;
    EXPECT_EQ(std::count(names.begin(), names.end(), ',') + 1, e.num_params) << e.name;
    EXPECT_EQ(IsModelOfColmap3(e.id), e.id <= 10) << e.name;
  }
  EXPECT_THAT(MessageOf<UsageError>([] { CameraModelByName("Pinhole"); }), HasSubstr("SIMPLE_RADIAL"));
  EXPECT_THROW(CameraModelById(18), UsageError);
  EXPECT_THROW(CameraModelById(-1), UsageError);
}

TEST(InitialCamera, FocalLengthFollowsColmapsOrder) {
  ExifInfo plane;
  plane.focal_length_mm = 5.0;
  plane.focal_plane_x_resolution = 4000.0;  // per inch
  plane.focal_plane_unit = 2;
  plane.pixel_x_dimension = 2000.0;  // so the sensor is 0.5 inch = 12.7 mm wide
  ExifInfo centimetres = plane;
  centimetres.focal_plane_unit = 3;
  ExifInfo no_unit = plane;
  no_unit.focal_plane_unit = 1;
  ExifInfo zero = plane;
  zero.focal_plane_x_resolution = 0.0;
  ExifInfo both = plane;
  both.focal_length_35mm = 28;
  ExifInfo unknown_35mm = plane;
  unknown_35mm.focal_length_35mm = 0;
  const struct {
    const char* what;
    ExifInfo exif;
    double focal;
    bool prior;
  } cases[] = {{"35 mm", ExifOf("a", "b", 35), 1000, true},
               {"35 mm first", both, 800, true},
               {"35 mm unknown", unknown_35mm, 5.0 / 12.7 * 1000, true},
               {"inches", plane, 5.0 / 12.7 * 1000, true},
               {"centimetres", centimetres, 1000, true},
               {"no unit", no_unit, 1200, false},
               {"zero resolution", zero, 1200, false},
               {"no EXIF", {}, 1200, false}};
  for (const auto& c : cases) {
    for (const bool portrait : {false, true}) {
      SCOPED_TRACE(c.what);
      const Camera camera =
          InitialCamera("SIMPLE_RADIAL", portrait ? 600 : 1000, portrait ? 1000 : 600, c.exif);
      EXPECT_NEAR(MeanFocalLength(camera), c.focal, 1e-9);
      EXPECT_EQ(camera.has_prior_focal_length, c.prior);
    }
  }
}

TEST(InitialCamera, Colmap4TakesTheDiagonalAndTheFocalPlaneAsItIs) {
  const auto focal = [](const ExifInfo& exif) {
    return InitialCamera("SIMPLE_RADIAL", 400, 300, exif, 1.2, FocalConvention::kColmap4).params[0];
  };
  EXPECT_NEAR(focal(ExifOf("a", "b", 28)), 28 / 43.27 * 500, 1e-9);
  ExifInfo plane;
  plane.focal_length_mm = 5.0;
  plane.focal_plane_x_resolution = 2540.0;
  const std::pair<int, double> units[] = {{2, 500}, {3, 1270}, {4, 12700}, {5, 12700000}, {1, 480}};
  for (const auto& [unit, expected] : units) {
    plane.focal_plane_unit = unit;
    EXPECT_NEAR(focal(plane), expected, 1e-6) << unit;
  }
  EXPECT_EQ(focal({}), 480);
}

TEST(InitialCamera, PrincipalPointIsTheMiddleAndDistortionZeroInEveryModel) {
  for (int id = 0; id <= 16; ++id) {
    const CameraModelInfo& model = CameraModelById(id);
    const Camera camera = InitialCamera(model.name, 640, 481, {}, 1.5);
    EXPECT_EQ(camera.model_id, id);
    ASSERT_EQ(camera.params.size(), static_cast<std::size_t>(model.num_params)) << model.name;
    EXPECT_EQ(camera.params[0], 960) << model.name;
    EXPECT_EQ(camera.params[model.num_focal_lengths - 1], 960) << model.name;
    EXPECT_EQ(camera.params[model.num_focal_lengths], 320) << model.name;
    EXPECT_EQ(camera.params[model.num_focal_lengths + 1], 240.5) << model.name;
    for (int i = model.num_focal_lengths + 2; i < model.num_params; ++i) {
      const double expected = id == 7 ? 0.01 : id == 16 && i == 5 ? 1.0 : 0.0;  // omega of FOV, beta of EUCM
      EXPECT_EQ(camera.params[i], expected) << model.name;
    }
  }
  EXPECT_THAT(InitialCamera("EQUIRECTANGULAR", 640, 320, {}).params, ElementsAre(640, 320));
}

TEST(CameraParams, GoodOnesAreParsedAndBadOnesNamed) {
  EXPECT_THAT(ParseCameraParams("SIMPLE_RADIAL", "1000, 320.5,240,-0.1"),
              ElementsAre(1000, 320.5, 240, -0.1));
  EXPECT_THAT(ParseCameraParams("SIMPLE_PINHOLE", "1e3,0,0"), ElementsAre(1000, 0, 0));
  for (const char* bad :
       {"", "1000", "1000,320,240", "1000,320,240,0,0", "1000,320,240,x", "1000,320,,0", "1000,320,240,0,",
        "1000 1,320,240,0", "nan,320,240,0", "0,320,240,0", "-5,320,240,0", "1000;320;240;0"}) {
    EXPECT_THAT(MessageOf<UsageError>([&] { ParseCameraParams("SIMPLE_RADIAL", bad); }),
                HasSubstr("f, cx, cy, k"))
        << bad;
  }
}

TEST(CameraParams, ThoseOfModelsOfColmap4AreCheckedToo) {
  EXPECT_THAT(ParseCameraParams("EUCM", "500,500,320,240,0.5,1"), ElementsAre(500, 500, 320, 240, 0.5, 1));
  EXPECT_THAT(ParseCameraParams("EQUIRECTANGULAR", "640,320"), ElementsAre(640, 320));
  EXPECT_THROW(ParseCameraParams("EUCM", "500,500,320,240,1.5,1"), UsageError);
  EXPECT_THROW(ParseCameraParams("EUCM", "500,500,320,240,0.5,0"), UsageError);
  EXPECT_THROW(ParseCameraParams("EQUIRECTANGULAR", "640,0"), UsageError);
}

TEST(CameraOptions, BadOnesAreRefusedWhenTheAssignerIsMade) {
  CameraOptions options;
  options.camera_model = "FISHBOWL";
  EXPECT_THROW(CameraAssigner{options}, UsageError);
  options = {};
  options.default_focal_length_factor = 0;
  EXPECT_THROW(CameraAssigner{options}, UsageError);
  options = {};
  options.camera_params = "1,2";
  EXPECT_THROW(CameraAssigner{options}, UsageError);
}

struct Photo {
  const char* name;
  std::int64_t width, height;
  ExifInfo exif;
};

// The ids that photos get, new ones counting from 1.
std::vector<int> IdsOf(const CameraOptions& options, const std::vector<Photo>& photos) {
  CameraAssigner assigner(options);
  std::vector<int> ids;
  int num_cameras = 0;
  for (const Photo& photo : photos) {
    Camera camera = assigner.Assign(photo.name, photo.width, photo.height, photo.exif);
    if (camera.camera_id == 0) camera.camera_id = ++num_cameras;
    EXPECT_EQ(camera.width, photo.width);
    EXPECT_EQ(camera.height, photo.height);
    assigner.Remember(photo.name, photo.exif, camera);
    ids.push_back(static_cast<int>(camera.camera_id));
  }
  return ids;
}

TEST(CameraAssigner, AutoSharesByMakeModelFocalLengthAndSize) {
  const ExifInfo a = ExifOf("Canon", "A", 35), b = ExifOf("Canon", "B", 35),
                 zoomed = ExifOf("Canon", "A", 70);
  ExifInfo no_make = a, millimetres = a;
  no_make.make.reset();
  millimetres.focal_length_35mm.reset();
  millimetres.focal_length_mm = 35;
  EXPECT_THAT(IdsOf({}, {{"1", 100, 50, a},
                         {"x/2", 100, 50, a},
                         {"3", 100, 50, b},
                         {"4", 100, 50, zoomed},
                         {"5", 50, 100, a},
                         {"6", 100, 50, a},
                         {"7", 100, 50, millimetres}}),
              ElementsAre(1, 1, 2, 3, 4, 1, 5));
  EXPECT_THAT(
      IdsOf({}, {{"1", 100, 50, {}}, {"2", 100, 50, {}}, {"3", 100, 50, no_make}, {"4", 100, 50, no_make}}),
      ElementsAre(1, 2, 3, 4));
}

TEST(CameraAssigner, SinglePerFolderAndPerImageDoAsTheySay) {
  const ExifInfo a = ExifOf("Canon", "A", 35);
  const std::vector<Photo> photos = {{"p.jpg", 100, 50, a},
                                     {"a/b.jpg", 100, 50, a},
                                     {"a/b/c.jpg", 100, 50, {}},
                                     {"a/d.jpg", 100, 50, {}},
                                     {"q.jpg", 100, 50, a}};
  CameraOptions options;
  options.mode = CameraMode::kSingle;
  EXPECT_THAT(IdsOf(options, photos), ElementsAre(1, 1, 1, 1, 1));
  options.mode = CameraMode::kPerFolder;
  EXPECT_THAT(IdsOf(options, photos), ElementsAre(1, 2, 3, 2, 1));
  options.mode = CameraMode::kPerImage;
  EXPECT_THAT(IdsOf(options, photos), ElementsAre(1, 2, 3, 4, 5));
}

TEST(CameraAssigner, AnotherSizeThanTheSharedCameraIsAnErrorForThatPhotoOnly) {
  CameraOptions options;
  options.mode = CameraMode::kSingle;
  CameraAssigner assigner(options);
  Camera camera = assigner.Assign("a.jpg", 100, 50, {});
  camera.camera_id = 7;
  assigner.Remember("a.jpg", {}, camera);
  EXPECT_THAT(
      MessageOf<InputError>([&] { assigner.Assign("b.jpg", 50, 100, {}); }),
      testing::AllOf(HasSubstr("b.jpg"), HasSubstr("50x100"), HasSubstr("camera 7"), HasSubstr("100x50")));
  EXPECT_EQ(assigner.Assign("c.jpg", 100, 50, {}).camera_id, 7u);
}

TEST(CameraAssigner, PhotosOfARunWithOtherOptionsGetACameraOfTheirOwn) {
  const ExifInfo exif = ExifOf("Canon", "A", 35);
  CameraOptions first;
  first.mode = CameraMode::kSingle;
  Camera stored = CameraAssigner(first).Assign("a.jpg", 100, 50, exif);
  stored.camera_id = 7;
  const auto id_with = [&](const CameraOptions& options, int width = 100, int height = 50) {
    CameraAssigner assigner(options);
    assigner.Remember("a.jpg", exif, stored);
    return assigner.Assign("b.jpg", width, height, exif).camera_id;
  };
  EXPECT_EQ(id_with(first), 7u) << "the same run, resumed";
  CameraOptions other = first;
  other.focal_convention = FocalConvention::kColmap4;
  EXPECT_EQ(id_with(other), 7u) << "COLMAP 4 has opened the file in between";
  other = first;
  other.camera_model = "PINHOLE";
  EXPECT_EQ(id_with(other), 0u);
  other = first;
  other.camera_params = "90,50,25,0";
  EXPECT_EQ(id_with(other), 0u);
  EXPECT_EQ(id_with(other, 50, 100), 0u) << "nor are photos of another size refused";
  for (const CameraMode mode : {CameraMode::kAuto, CameraMode::kPerFolder}) {
    other.mode = mode;
    EXPECT_EQ(id_with(other), 0u);
  }
}

TEST(CameraAssigner, GivenParametersAreAPriorAndAnExistingCameraServesAll) {
  CameraOptions options;
  options.camera_model = "PINHOLE";
  options.camera_params = "900,901,50,25";
  const Camera given = CameraAssigner(options).Assign("a.jpg", 100, 50, ExifOf("c", "d", 35));
  EXPECT_THAT(given.params, ElementsAre(900, 901, 50, 25));
  EXPECT_TRUE(given.has_prior_focal_length);

  Camera existing = given;
  existing.camera_id = 3;
  const CameraAssigner assigner({}, existing);
  EXPECT_EQ(assigner.Assign("a.jpg", 100, 50, {}).camera_id, 3u);
  EXPECT_EQ(assigner.Assign("x/b.jpg", 100, 50, ExifOf("c", "d", 35)).camera_id, 3u);
  EXPECT_THROW(assigner.Assign("c.jpg", 99, 50, {}), InputError);
  existing.params.pop_back();
  EXPECT_THROW(CameraAssigner({}, existing), InputError);
}

Camera TestCamera(int model_id, std::vector<double> params) {
  Camera camera;
  camera.model_id = model_id;
  camera.width = 640;
  camera.height = 480;
  camera.params = std::move(params);
  return camera;
}

TEST(UndistortToNormalized, InvertsTheProjectionAllOverTheImage) {
  const Camera cameras[] = {TestCamera(0, {500, 321, 239}), TestCamera(1, {500, 510, 321, 239}),
                            TestCamera(2, {500, 321, 239, -0.2}), TestCamera(3, {500, 321, 239, -0.3, 0.1}),
                            TestCamera(4, {500, 510, 321, 239, -0.2, 0.05, 0.002, -0.003})};
  for (const Camera& camera : cameras) {
    std::vector<Eigen::Vector2d> points;
    for (double x = 0.5; x < 640; x += 71) {
      for (double y = 0.5; y < 480; y += 53) points.emplace_back(x, y);
    }
    const auto normalized = UndistortToNormalized(camera, points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      EXPECT_LT((ProjectNormalized(camera, normalized[i]) - points[i]).norm(), 1e-6) << camera.model_id;
    }
  }
}

TEST(UndistortToNormalized, DistortionFollowsColmapsFormula) {
  // OPENCV at (u, v) = (0.1, 0.2): r2 = 0.05, radial = 1 + 0.1 * 0.05 + 0.01 * 0.0025 = 1.005025.
  const Camera camera = TestCamera(4, {1000, 1000, 0, 0, 0.1, 0.01, 0.02, 0.03});
  const Eigen::Vector2d projected = ProjectNormalized(camera, {0.1, 0.2});
  EXPECT_NEAR(projected.x(), 1000 * (0.1 * 1.005025 + 2 * 0.02 * 0.02 + 0.03 * (0.05 + 2 * 0.01)), 1e-9);
  EXPECT_NEAR(projected.y(), 1000 * (0.2 * 1.005025 + 2 * 0.03 * 0.02 + 0.02 * (0.05 + 2 * 0.04)), 1e-9);
}

TEST(UndistortToNormalized, PointsNoDirectionProjectsToAreNan) {
  // x (1 - 0.9 x^2) peaks at x = 0.61 with 0.406: nothing projects beyond 203 px.
  const auto normalized = UndistortToNormalized(TestCamera(2, {500, 0, 0, -0.9}), {{100, 0}, {400, 0}});
  EXPECT_TRUE(normalized[0].allFinite());
  EXPECT_TRUE(std::isnan(normalized[1].x()));
}

TEST(UndistortToNormalized, DirectionsBehindTheImagePlaneAreNan) {
  // 500 px per radian: 786 px are a right angle.
  const auto fisheye = UndistortToNormalized(TestCamera(14, {500, 0, 0}), {{780, 0}, {790, 0}});
  EXPECT_NEAR(fisheye[0].x(), std::tan(1.56), 1e-9);
  EXPECT_TRUE(std::isnan(fisheye[1].x()));
  const auto sphere = UndistortToNormalized(TestCamera(17, {640, 480}), {{320, 240}, {400, 240}, {500, 240}});
  EXPECT_EQ(sphere[0], Eigen::Vector2d(0, 0));
  EXPECT_NEAR(sphere[1].x(), 1.0, 1e-12) << "an eighth of the circle";
  EXPECT_TRUE(std::isnan(sphere[2].x()));
}

}  // namespace
}  // namespace colmatch
