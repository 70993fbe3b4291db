// Cameras, rendering and truth files of the demo scene; see demo_scene.h.
#include "plugin/demo/demo_scene.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <locale>
#include <opencv2/imgcodecs.hpp>
#include <sstream>

#include "plugin/demo/demo_building.h"
#include "plugin/demo/demo_courtyard.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr double kFocalPerWidth = 0.88;
constexpr double kRadius = 14.3;      // metres from the point looked at
constexpr double kRingRadius = 16.5;  // metres from the building's middle

void Check(const DemoSceneOptions& options) {
  const auto refuse = [](const std::string& field, double value, const std::string& range) {
    std::ostringstream text;
    text << "demo scene: " << field << " is " << value << ", expected " << range;
    throw UsageError(text.str());
  };
  if (options.scene != "courtyard" && options.scene != "building")
    throw UsageError("demo scene: scene is " + options.scene + ", expected courtyard or building");
  if (options.num_images < 2 || options.num_images > 200)
    refuse("num_images", options.num_images, "2 to 200");
  if (options.width < 64 || options.width > 4096) refuse("width", options.width, "64 to 4096 pixels");
  if (options.height < 48 || options.height > 4096) refuse("height", options.height, "48 to 4096 pixels");
  if (!(options.step_degrees > 0 && options.step_degrees <= 30)) {
    refuse("step_degrees", options.step_degrees, "above 0, up to 30");
  }
  if (!(options.max_arc_degrees > 0 && options.max_arc_degrees <= 90)) {
    refuse("max_arc_degrees", options.max_arc_degrees, "above 0, up to 90");
  }
  if (options.jpeg_quality < 50 || options.jpeg_quality > 100) {
    refuse("jpeg_quality", options.jpeg_quality, "50 to 100");
  }
}

// camera_from_world of a camera at `center` looking at `target`, turned by `roll` radians about its axis.
cv::Matx33d LookAt(const cv::Vec3d& center, const cv::Vec3d& target, double roll) {
  const cv::Vec3d forward = cv::normalize(target - center);
  const cv::Vec3d right = cv::normalize(forward.cross(cv::Vec3d(0, 0, 1)));
  const cv::Vec3d down = forward.cross(right);
  const cv::Vec3d x = right * std::cos(roll) + down * std::sin(roll);
  const cv::Vec3d y = down * std::cos(roll) - right * std::sin(roll);
  return {x[0], x[1], x[2], y[0], y[1], y[2], forward[0], forward[1], forward[2]};
}

// (w, x, y, z) of a rotation matrix, w >= 0; the largest component first computed, so nothing is divided by
// zero.
cv::Vec4d QuaternionOf(const cv::Matx33d& r) {
  const double trace = r(0, 0) + r(1, 1) + r(2, 2);
  const double squares[4] = {1 + trace, 1 + 2 * r(0, 0) - trace, 1 + 2 * r(1, 1) - trace,
                             1 + 2 * r(2, 2) - trace};
  const int largest = int(std::max_element(squares, squares + 4) - squares);
  const double m = std::sqrt(squares[largest]);  // four times the square of the component
  const double wx = r(2, 1) - r(1, 2), wy = r(0, 2) - r(2, 0), wz = r(1, 0) - r(0, 1);
  const double xy = r(0, 1) + r(1, 0), xz = r(0, 2) + r(2, 0), yz = r(1, 2) + r(2, 1);
  const double rows[4][4] = {
      {m * m, wx, wy, wz}, {wx, m * m, xy, xz}, {wy, xy, m * m, yz}, {wz, xz, yz, m * m}};
  cv::Vec4d q(rows[largest]);
  q *= (q[0] < 0 ? -0.5 : 0.5) / m;
  return q;
}

cv::Vec3f ShadeRay(const DemoScene& scene, const cv::Vec3f& center, const cv::Vec3f& direction,
                   float pixel_angle) {
  const auto hit = scene.Cast(center, direction);
  if (!hit) return scene.SkyColor(direction);
  // Far surfaces fade a little into the air.
  const float air = std::min(0.25f, 0.004f * hit->distance_m);
  const cv::Vec3f color = scene.Color(*hit, direction, hit->distance_m * pixel_angle);
  return color * (1 - air) + cv::Vec3f(215, 205, 195) * air;
}

void RenderRow(const DemoScene& scene, const DemoCamera& camera, int y, uint64_t noise_seed, cv::Vec3b* row) {
  cv::RNG rng((noise_seed + 1) * 0x9E3779B97F4A7C15ull ^ uint64_t(y + 1) * 0xD1B54A32D192ED03ull);
  const cv::Vec3f center = camera.Center();
  const float pixel_angle = float(0.5 / camera.focal_px);
  const double half_diagonal = 0.5 * std::hypot(camera.width, camera.height);
  for (int x = 0; x < camera.width; ++x) {
    cv::Vec3f sum(0, 0, 0);
    for (const double dy : {0.25, 0.75}) {
      for (const double dx : {0.25, 0.75})
        sum += ShadeRay(scene, center, camera.Ray(x + dx, y + dy), pixel_angle);
    }
    const double radius =
        std::hypot(x + 0.5 - camera.width / 2.0, y + 0.5 - camera.height / 2.0) / half_diagonal;
    const float vignette = float(0.25 * (1 - 0.22 * radius * radius));
    for (int c = 0; c < 3; ++c)
      row[x][c] = cv::saturate_cast<uchar>(sum[c] * vignette + float(rng.gaussian(1.6)));
  }
}

std::ofstream OpenForWriting(const fs::path& path) {
  std::ofstream file(path);
  if (!file)
    throw EnvironmentError("cannot write " + path.string() +
                           "; is the folder writable and the disk not full?");
  file.imbue(std::locale::classic());
  file << std::setprecision(17);
  return file;
}

void Close(std::ofstream& file, const fs::path& path) {
  file.close();
  if (!file) throw EnvironmentError("writing " + path.string() + " failed; is the disk full?");
}

void WriteTruth(const std::vector<DemoCamera>& cameras, const fs::path& folder) {
  std::ofstream intrinsics = OpenForWriting(folder / "cameras.txt");
  const DemoCamera& first = cameras.front();
  intrinsics << "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]: fx fy cx cy\n1 PINHOLE " << first.width << ' '
             << first.height << ' ' << first.focal_px << ' ' << first.focal_px << ' ' << first.width / 2.0
             << ' ' << first.height / 2.0 << '\n';
  Close(intrinsics, folder / "cameras.txt");

  std::ofstream poses = OpenForWriting(folder / "images.txt");
  poses << "# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME; then a line of POINTS2D[], empty here\n";
  for (size_t i = 0; i < cameras.size(); ++i) {
    const cv::Vec4d q = QuaternionOf(cameras[i].rotation);
    const cv::Vec3d& t = cameras[i].translation;
    poses << i + 1 << ' ' << q[0] << ' ' << q[1] << ' ' << q[2] << ' ' << q[3] << ' ' << t[0] << ' ' << t[1]
          << ' ' << t[2] << " 1 " << cameras[i].name << "\n\n";
  }
  Close(poses, folder / "images.txt");

  std::ofstream points = OpenForWriting(folder / "points3D.txt");
  points << "# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[]: none, only the cameras are given\n";
  Close(points, folder / "points3D.txt");
}

void WriteJpeg(const cv::Mat& image, const fs::path& path, int quality) {
  std::vector<uchar> bytes;
  cv::imencode(".jpg", image, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  std::ofstream file(path, std::ios::binary);
  if (!file)
    throw EnvironmentError("cannot write " + path.string() +
                           "; is the folder writable and the disk not full?");
  file.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  Close(file, path);
}

DemoCamera CameraAt(const DemoSceneOptions& options, int number, const cv::Vec3d& center,
                    const cv::Vec3d& target, double roll) {
  char name[48];
  std::snprintf(name, sizeof(name), "%s_%02d.jpg", options.scene.c_str(), number);
  DemoCamera camera;
  camera.name = name;
  camera.rotation = LookAt(center, target, roll);
  camera.translation = -(camera.rotation * center);
  camera.focal_px = kFocalPerWidth * options.width;
  camera.width = options.width;
  camera.height = options.height;
  return camera;
}

// A photographer's hand: distance, height, aim and tilt differ a little from shot to shot.
std::vector<DemoCamera> ArcCameras(const DemoSceneOptions& options) {
  const double step = std::min(options.step_degrees, options.max_arc_degrees / (options.num_images - 1));
  cv::RNG rng(options.seed ^ 0xCA11AB1Eull);
  std::vector<DemoCamera> cameras;
  for (int i = 0; i < options.num_images; ++i) {
    const double angle = (i - 0.5 * (options.num_images - 1)) * step * CV_PI / 180;
    const double radius = kRadius + rng.uniform(-0.7, 0.7);
    const cv::Vec3d target(rng.uniform(-0.3, 0.3), -2.6, 3.0 + rng.uniform(-0.15, 0.15));
    const cv::Vec3d center(radius * std::sin(angle), -2.6 - radius * std::cos(angle),
                           1.7 + rng.uniform(-0.2, 0.5));
    cameras.push_back(CameraAt(options, i, center, target, rng.uniform(-0.03, 0.03)));
  }
  return cameras;
}

std::vector<DemoCamera> RingCameras(const DemoSceneOptions& options) {
  cv::RNG rng(options.seed ^ 0x21A6ull);
  std::vector<DemoCamera> cameras;
  for (int i = 0; i < options.num_images; ++i) {
    const double angle = (i + rng.uniform(-0.3, 0.3)) * 2 * CV_PI / options.num_images;
    const double radius = kRingRadius + rng.uniform(-1.5, 1.5);
    const cv::Vec3d target(rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), 3.2 + rng.uniform(-0.3, 0.3));
    const cv::Vec3d center(radius * std::sin(angle), -radius * std::cos(angle), 1.7 + rng.uniform(-0.2, 0.5));
    cameras.push_back(CameraAt(options, i, center, target, rng.uniform(-0.03, 0.03)));
  }
  return cameras;
}

}  // namespace

cv::Vec2d DemoCamera::Project(const cv::Vec3d& point) const {
  const cv::Vec3d local = rotation * point + translation;
  return {focal_px * local[0] / local[2] + width / 2.0, focal_px * local[1] / local[2] + height / 2.0};
}

cv::Vec3d DemoCamera::Ray(double x, double y) const {
  const cv::Vec3d local((x - width / 2.0) / focal_px, (y - height / 2.0) / focal_px, 1);
  return cv::normalize(cv::Vec3d(rotation.t() * local));
}

std::vector<DemoCamera> DemoCameras(const DemoSceneOptions& options) {
  Check(options);
  return options.scene == "building" ? RingCameras(options) : ArcCameras(options);
}

DemoScene MakeDemoScene(const DemoSceneOptions& options) {
  Check(options);
  return DemoScene(options.scene == "building" ? BuildFourSides(options.seed) : BuildCourtyard(options.seed),
                   std::clamp(100.0 * options.width / 960, 12.0, 160.0), options.seed);
}

cv::Mat RenderDemoImage(const DemoScene& scene, const DemoCamera& camera, uint64_t noise_seed) {
  cv::Mat image(camera.height, camera.width, CV_8UC3);
  cv::parallel_for_(cv::Range(0, image.rows), [&](const cv::Range& rows) {
    for (int y = rows.start; y < rows.end; ++y)
      RenderRow(scene, camera, y, noise_seed, image.ptr<cv::Vec3b>(y));
  });
  return image;
}

std::vector<DemoCamera> RenderDemoScene(const DemoSceneOptions& options, const fs::path& folder,
                                        const std::function<void(int, int)>& progress) {
  const std::vector<DemoCamera> cameras = DemoCameras(options);
  for (const char* part : {"images", "gt"}) {
    std::error_code error;
    fs::create_directories(folder / part, error);
    if (error) throw EnvironmentError("cannot create " + (folder / part).string() + ": " + error.message());
  }
  WriteTruth(cameras, folder / "gt");
  const DemoScene scene = MakeDemoScene(options);
  for (size_t i = 0; i < cameras.size(); ++i) {
    const cv::Mat image = RenderDemoImage(scene, cameras[i], options.seed * 1000 + i);
    WriteJpeg(image, folder / "images" / cameras[i].name, options.jpeg_quality);
    if (progress) progress(int(i) + 1, int(cameras.size()));
  }
  return cameras;
}

}  // namespace colmatch
