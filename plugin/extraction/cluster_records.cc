// Records of shards; see cluster_records.h.
#include "plugin/extraction/cluster_records.h"

#include <cmath>
#include <limits>
#include <optional>

#include "util/byte_stream.h"

namespace colmatch {
namespace {

template <typename T>
void PutOptional(ByteWriter& out, const std::optional<T>& value) {
  out.Put(static_cast<uint8_t>(value.has_value()));
  if (value) out.Put(*value);
}

template <typename T>
void GetOptional(ByteReader& in, std::optional<T>& value) {
  value = in.Get<uint8_t>() != 0 ? std::optional<T>(in.Get<T>()) : std::nullopt;
}

void PutText(ByteWriter& out, const std::optional<std::string>& text) {
  out.Put(static_cast<uint8_t>(text.has_value()));
  if (text) out.PutText(*text);
}

void GetText(ByteReader& in, std::optional<std::string>& text) {
  text = in.Get<uint8_t>() != 0 ? std::optional<std::string>(in.GetText()) : std::nullopt;
}

void PutExif(ByteWriter& out, const ExifInfo& exif) {
  PutText(out, exif.make);
  PutText(out, exif.model);
  PutOptional(out, exif.focal_length_mm);
  PutOptional(out, exif.focal_length_35mm);
  PutOptional(out, exif.focal_plane_x_resolution);
  PutOptional(out, exif.focal_plane_unit);
  PutOptional(out, exif.pixel_x_dimension);
  PutOptional(out, exif.orientation);
  PutOptional(out, exif.latitude_deg);
  PutOptional(out, exif.longitude_deg);
  PutOptional(out, exif.altitude_m);
}

ExifInfo GetExif(ByteReader& in) {
  ExifInfo exif;
  GetText(in, exif.make);
  GetText(in, exif.model);
  GetOptional(in, exif.focal_length_mm);
  GetOptional(in, exif.focal_length_35mm);
  GetOptional(in, exif.focal_plane_x_resolution);
  GetOptional(in, exif.focal_plane_unit);
  GetOptional(in, exif.pixel_x_dimension);
  GetOptional(in, exif.orientation);
  GetOptional(in, exif.latitude_deg);
  GetOptional(in, exif.longitude_deg);
  GetOptional(in, exif.altitude_m);
  return exif;
}

}  // namespace

std::string EncodeFeatures(const FeatureRecord& r) {
  ByteWriter out;
  out.PutText(r.name);
  out.PutText(r.error);
  out.PutText(r.suffix);
  PutExif(out, r.exif);
  out.Put(r.width);
  out.Put(r.height);
  out.PutList(r.keypoints.xy);
  out.PutList(r.keypoints.scales);
  out.Put(static_cast<int32_t>(r.descriptors.dim));
  out.PutList(r.descriptors.values);
  out.PutList(r.scores);
  return out.bytes();
}

FeatureRecord DecodeFeatures(const std::string& bytes, const std::string& where) {
  ByteReader in(bytes, where);
  FeatureRecord r;
  r.name = in.GetText();
  r.error = in.GetText();
  r.suffix = in.GetText();
  r.exif = GetExif(in);
  r.width = in.Get<int64_t>();
  r.height = in.Get<int64_t>();
  r.keypoints.xy = in.GetList<float>();
  r.keypoints.rows = r.keypoints.xy.size() / 2;
  r.keypoints.SetScales(in.GetList<float>());
  r.descriptors.dim = in.Get<int32_t>();
  r.descriptors.values = in.GetList<float>();
  r.descriptors.rows = r.descriptors.dim > 0 ? r.descriptors.values.size() / r.descriptors.dim : 0;
  r.scores = in.GetList<float>();
  in.ExpectEnd();
  if (r.scores.size() != r.keypoints.rows || r.descriptors.rows != r.keypoints.rows)
    throw InputError(where + ": keypoints, descriptors and scores of " + r.name + " differ in number");
  return r;
}

std::string NameOfFeatures(const std::string& bytes, const std::string& where) {
  return ByteReader(bytes, where).GetText();
}

std::string EncodePair(const PairRecord& r) {
  ByteWriter out;
  out.Put(r.image_id1);
  out.Put(r.image_id2);
  out.PutList(r.matches);
  out.PutList(r.confidences);
  out.Put(static_cast<int32_t>(r.geometry.config));
  out.PutList(r.geometry.inlier_matches);
  for (const auto* matrix : {&r.geometry.F, &r.geometry.E, &r.geometry.H}) PutOptional(out, *matrix);
  PutOptional(out, r.geometry.qvec);
  PutOptional(out, r.geometry.tvec);
  return out.bytes();
}

PairRecord DecodePair(const std::string& bytes, const std::string& where) {
  ByteReader in(bytes, where);
  PairRecord r;
  r.image_id1 = in.Get<image_t>();
  r.image_id2 = in.Get<image_t>();
  r.matches = in.GetList<Matches::value_type>();
  r.confidences = in.GetList<float>();
  r.geometry.config = static_cast<TwoViewConfig>(in.Get<int32_t>());
  r.geometry.inlier_matches = in.GetList<Matches::value_type>();
  for (auto* matrix : {&r.geometry.F, &r.geometry.E, &r.geometry.H}) GetOptional(in, *matrix);
  GetOptional(in, r.geometry.qvec);
  GetOptional(in, r.geometry.tvec);
  in.ExpectEnd();
  return r;
}

}  // namespace colmatch
