// Views of reconstructed scenes; see reconstruction.h.
#include "training/reconstruction.h"

#include <filesystem>

#include "network/atomic_file.h"
#include "network/read_file.h"
#include "training/byte_cursor.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMVIEWS1";

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
  for (uint32_t i = 0; i < count; ++i) reconstruction.views.push_back(ReadView(cursor));
  cursor.RequireEnd();
  return reconstruction;
}

}  // namespace colmatch
