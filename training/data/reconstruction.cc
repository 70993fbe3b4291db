// Views of reconstructed scenes; see reconstruction.h.
#include "training/data/reconstruction.h"

#include <cmath>
#include <filesystem>

#include "util/atomic_file.h"
#include "util/byte_cursor.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMVIEWS1";

void CheckView(const ReconstructedView& view, const std::string& path) {
  const auto& p = view.projection;
  const double determinant = p[0] * (p[5] * p[10] - p[6] * p[9]) - p[1] * (p[4] * p[10] - p[6] * p[8]) +
                             p[2] * (p[4] * p[9] - p[5] * p[8]);
  bool finite = std::isfinite(determinant) && std::isfinite(p[3] + p[7] + p[11]);
  for (const ScenePoint3D& point : view.points) finite &= std::isfinite(point.x + point.y + point.z);
  if (!finite || determinant == 0 || view.width == 0 || view.height == 0)
    throw InputError(path + ": view " + view.name +
                     " has a projection or a point that is none; make it again with colmatch prepare_views");
}

ReconstructedView ReadView(ByteCursor& cursor) {
  ReconstructedView view;
  view.name = cursor.ReadText();
  view.width = cursor.Read<uint16_t>();
  view.height = cursor.Read<uint16_t>();
  for (double& entry : view.projection) entry = cursor.Read<double>();
  const size_t num_points = cursor.Read<uint32_t>();
  const size_t num_pixels = static_cast<size_t>(view.width) * view.height;
  const char* pixels = cursor.Take(num_pixels);
  view.pixels.assign(pixels, pixels + num_pixels);
  const char* points = cursor.Take(num_points * sizeof(ScenePoint3D));
  view.points.resize(num_points);
  if (num_points > 0) std::memcpy(view.points.data(), points, num_points * sizeof(ScenePoint3D));
  return view;
}

}  // namespace

void WriteReconstruction(const std::string& path, const std::vector<ReconstructedView>& views) {
  static_assert(sizeof(ScenePoint3D) == 32, "the point record of the file format");
  std::string bytes = kMagic;
  AppendNumber(bytes, static_cast<uint32_t>(views.size()));
  for (const ReconstructedView& view : views) {
    AppendText(bytes, view.name);
    AppendNumber(bytes, static_cast<uint16_t>(view.width));
    AppendNumber(bytes, static_cast<uint16_t>(view.height));
    for (const double entry : view.projection) AppendNumber(bytes, entry);
    AppendNumber(bytes, static_cast<uint32_t>(view.points.size()));
    bytes.append(reinterpret_cast<const char*>(view.pixels.data()), view.pixels.size());
    bytes.append(reinterpret_cast<const char*>(view.points.data()),
                 view.points.size() * sizeof(ScenePoint3D));
  }
  WriteFileAtomically(path, bytes);
}

Reconstruction ReadReconstruction(const std::string& path) {
  const std::string bytes = ReadWholeFile(path);
  ByteCursor cursor(path, bytes, "colmatch prepare_views");
  cursor.RequireMagic(kMagic, "views of a reconstruction");
  Reconstruction reconstruction{std::filesystem::path(path).filename().string(), {}};
  const auto count = cursor.Read<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    reconstruction.views.push_back(ReadView(cursor));
    CheckView(reconstruction.views.back(), path);
  }
  cursor.RequireEnd();
  return reconstruction;
}

}  // namespace colmatch
