// Views of reconstructed scenes; see reconstruction.h.
#include "training/data/reconstruction.h"

#include <cmath>
#include <filesystem>

#include "util/atomic_file.h"
#include "util/byte_stream.h"
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

ReconstructedView ReadView(ByteReader& in) {
  ReconstructedView view;
  view.name = in.GetText<uint16_t>();
  view.width = in.Get<uint16_t>();
  view.height = in.Get<uint16_t>();
  for (double& entry : view.projection) entry = in.Get<double>();
  const size_t num_points = in.Get<uint32_t>();
  const size_t num_pixels = static_cast<size_t>(view.width) * view.height;
  view.pixels = in.GetValues<uint8_t>(num_pixels);
  view.points = in.GetValues<ScenePoint3D>(num_points);
  return view;
}

}  // namespace

void WriteReconstruction(const std::string& path, const std::vector<ReconstructedView>& views) {
  static_assert(sizeof(ScenePoint3D) == 32, "the point record of the file format");
  ByteWriter out(kMagic);
  out.Put(static_cast<uint32_t>(views.size()));
  for (const ReconstructedView& view : views) {
    out.PutText<uint16_t>(view.name);
    out.Put(static_cast<uint16_t>(view.width));
    out.Put(static_cast<uint16_t>(view.height));
    for (const double entry : view.projection) out.Put(entry);
    out.Put(static_cast<uint32_t>(view.points.size()));
    out.PutValues(view.pixels);
    out.PutValues(view.points);
  }
  WriteFileAtomically(path, out.bytes());
}

Reconstruction ReadReconstruction(const std::string& path) {
  const std::string bytes = ReadWholeFile(path);
  ByteReader in(bytes, path, "colmatch prepare_views");
  in.RequireMagic(kMagic, "views of a reconstruction");
  Reconstruction reconstruction{std::filesystem::path(path).filename().string(), {}};
  const auto count = in.Get<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    reconstruction.views.push_back(ReadView(in));
    CheckView(reconstruction.views.back(), path);
  }
  in.ExpectEnd();
  return reconstruction;
}

}  // namespace colmatch
