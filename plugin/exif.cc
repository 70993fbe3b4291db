// EXIF through libexif. A tag's type and length are the file's claim, so both are checked before a value is
// read.
#include "plugin/exif.h"

#include <libexif/exif-data.h>
#include <libexif/exif-loader.h>

#include <cmath>
#include <memory>

namespace colmatch {
namespace {

struct Unref {
  void operator()(ExifLoader* loader) const { exif_loader_unref(loader); }
  void operator()(ExifData* data) const { exif_data_unref(data); }
};

class Reader {
 public:
  explicit Reader(ExifData* data) : data_(data), order_(exif_data_get_byte_order(data)) {}

  std::optional<std::string> Text(ExifIfd ifd, ExifTag tag) const {
    const ExifEntry* entry = Find(ifd, tag, EXIF_FORMAT_ASCII, 1);
    if (!entry) return std::nullopt;
    std::string text(reinterpret_cast<const char*>(entry->data), entry->size);
    text.erase(std::min(text.find('\0'), text.size()));
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return std::nullopt;
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  }

  std::optional<double> Integer(ExifIfd ifd, ExifTag tag) const {
    if (const ExifEntry* entry = Find(ifd, tag, EXIF_FORMAT_SHORT, 1))
      return exif_get_short(entry->data, order_);
    if (const ExifEntry* entry = Find(ifd, tag, EXIF_FORMAT_LONG, 1))
      return exif_get_long(entry->data, order_);
    if (const ExifEntry* entry = Find(ifd, tag, EXIF_FORMAT_BYTE, 1)) return entry->data[0];
    return std::nullopt;
  }

  // The index-th of `count` rationals; nothing if the denominator is 0.
  std::optional<double> Rational(ExifIfd ifd, ExifTag tag, unsigned index = 0, unsigned count = 1) const {
    const ExifEntry* entry = Find(ifd, tag, EXIF_FORMAT_RATIONAL, count);
    if (!entry) return std::nullopt;
    const ExifRational value = exif_get_rational(entry->data + 8 * index, order_);
    if (value.denominator == 0) return std::nullopt;
    return static_cast<double>(value.numerator) / value.denominator;
  }

  // Degrees from degrees, minutes and seconds, negative if the reference tag starts with `negative`.
  std::optional<double> Angle(ExifTag tag, ExifTag reference_tag, char negative, double limit_deg) const {
    const auto degrees = Rational(EXIF_IFD_GPS, tag, 0, 3);
    const auto minutes = Rational(EXIF_IFD_GPS, tag, 1, 3);
    const auto seconds = Rational(EXIF_IFD_GPS, tag, 2, 3);
    if (!degrees || !minutes || !seconds) return std::nullopt;
    const double angle = *degrees + *minutes / 60.0 + *seconds / 3600.0;
    if (angle > limit_deg) return std::nullopt;
    const auto reference = Text(EXIF_IFD_GPS, reference_tag);
    const bool is_negative =
        reference && std::toupper(static_cast<unsigned char>(reference->front())) == negative;
    return is_negative ? -angle : angle;
  }

 private:
  const ExifEntry* Find(ExifIfd ifd, ExifTag tag, ExifFormat format, unsigned min_components) const {
    const ExifEntry* entry = exif_content_get_entry(data_->ifd[ifd], tag);
    const bool usable =
        entry && entry->data && entry->format == format && entry->components >= min_components &&
        entry->size >= exif_format_get_size(format) * static_cast<std::size_t>(min_components);
    return usable ? entry : nullptr;
  }

  ExifData* data_;
  ExifByteOrder order_;
};

// libexif defines the GPS tags as macros without the enum's type.
ExifTag GpsTag(int tag) { return static_cast<ExifTag>(tag); }

std::optional<int> InRange(const std::optional<double>& value, int low, int high) {
  if (!value || *value < low || *value > high) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

ExifInfo ReadExif(const std::filesystem::path& path) {
  const std::unique_ptr<ExifLoader, Unref> loader(exif_loader_new());
  exif_loader_write_file(loader.get(), path.c_str());
  const std::unique_ptr<ExifData, Unref> data(exif_loader_get_data(loader.get()));
  if (!data) return {};

  const Reader reader(data.get());
  ExifInfo info;
  info.make = reader.Text(EXIF_IFD_0, EXIF_TAG_MAKE);
  info.model = reader.Text(EXIF_IFD_0, EXIF_TAG_MODEL);
  info.orientation = InRange(reader.Integer(EXIF_IFD_0, EXIF_TAG_ORIENTATION), 1, 8);
  info.focal_length_mm = reader.Rational(EXIF_IFD_EXIF, EXIF_TAG_FOCAL_LENGTH);
  info.focal_length_35mm = reader.Integer(EXIF_IFD_EXIF, EXIF_TAG_FOCAL_LENGTH_IN_35MM_FILM);
  info.focal_plane_x_resolution = reader.Rational(EXIF_IFD_EXIF, EXIF_TAG_FOCAL_PLANE_X_RESOLUTION);
  info.focal_plane_unit = InRange(reader.Integer(EXIF_IFD_EXIF, EXIF_TAG_FOCAL_PLANE_RESOLUTION_UNIT), 1, 5);
  info.pixel_x_dimension = reader.Integer(EXIF_IFD_EXIF, EXIF_TAG_PIXEL_X_DIMENSION);
  info.latitude_deg =
      reader.Angle(GpsTag(EXIF_TAG_GPS_LATITUDE), GpsTag(EXIF_TAG_GPS_LATITUDE_REF), 'S', 90.0);
  info.longitude_deg =
      reader.Angle(GpsTag(EXIF_TAG_GPS_LONGITUDE), GpsTag(EXIF_TAG_GPS_LONGITUDE_REF), 'W', 180.0);
  info.altitude_m = reader.Rational(EXIF_IFD_GPS, GpsTag(EXIF_TAG_GPS_ALTITUDE));
  const auto below_sea_level = reader.Integer(EXIF_IFD_GPS, GpsTag(EXIF_TAG_GPS_ALTITUDE_REF));
  if (info.altitude_m && below_sea_level && *below_sea_level == 1) info.altitude_m = -*info.altitude_m;
  return info;
}

int QuarterTurnsToUpright(const std::optional<int>& orientation) {
  switch (orientation.value_or(1)) {
    case 6:
      return 1;
    case 3:
      return 2;
    case 8:
      return 3;
    default:
      return 0;
  }
}

std::optional<std::array<double, 3>> GravityOfOrientation(const std::optional<int>& orientation) {
  using Vector = std::array<double, 3>;
  switch (orientation.value_or(0)) {
    case 1:
      return Vector{0, 1, 0};
    case 3:
      return Vector{0, -1, 0};
    case 6:
      return Vector{1, 0, 0};
    case 8:
      return Vector{-1, 0, 0};
    default:
      return std::nullopt;
  }
}

}  // namespace colmatch
