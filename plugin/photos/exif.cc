// EXIF through exiv2, which finds the block in JPEG, TIFF, PNG, WebP and HEIF files. A tag's type and number
// of values are the file's claim, so both are checked before a value is read.
#include "plugin/photos/exif.h"

#include <charconv>
#include <cmath>
#include <exiv2/exiv2.hpp>
#include <mutex>
#include <vector>

namespace colmatch {
namespace {

namespace fs = std::filesystem;

std::string Trimmed(const std::string& text) {
  const std::string to_nul = text.substr(0, text.find('\0'));
  const auto begin = to_nul.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return to_nul.substr(begin, to_nul.find_last_not_of(" \t\r\n") - begin + 1);
}

// The whole text as one number; nothing if it is more or less than that.
std::optional<double> NumberIn(const std::string& text) {
  const std::string trimmed = Trimmed(text);
  double number = 0;
  const char* end = trimmed.data() + trimmed.size();
  const auto [stop, error] = std::from_chars(trimmed.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

struct Fraction {
  double numerator = 0, denominator = 1;

  bool IsUnknown() const { return numerator == 0 && denominator == 0; }  // EXIF writes 0/0 for "not known".
  std::optional<double> Value() const {
    const double value = numerator / denominator;
    return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
  }
};

class Reader {
 public:
  explicit Reader(const Exiv2::ExifData& data) : data_(data) {}

  std::optional<std::string> Text(const char* key) const {
    const Exiv2::Exifdatum* datum = Find(key);
    if (!datum || datum->typeId() != Exiv2::asciiString) return std::nullopt;
    const std::string text = Trimmed(datum->toString());
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
  }

  // One number of any numeric type, or written as a text; the first of the keys that has one.
  std::optional<double> Number(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      const Exiv2::Exifdatum* datum = Find(key);
      if (!datum || datum->count() < 1) continue;
      const auto number = datum->typeId() == Exiv2::asciiString ? NumberIn(datum->toString())
                          : IsNumeric(datum->typeId())          ? FractionAt(*datum, 0).Value()
                                                                : std::nullopt;
      if (number) return number;
    }
    return std::nullopt;
  }

  // Degrees from degrees, minutes and seconds, negative if the reference starts with `negative`. Minutes and
  // seconds that are not known (0/0) count as 0.
  std::optional<double> Angle(const char* key, const char* reference_key, char negative,
                              double limit_deg) const {
    const Exiv2::Exifdatum* datum = Find(key);
    if (!datum || datum->count() != 3 || !IsNumeric(datum->typeId())) return std::nullopt;
    double angle = 0, sign = 1;
    for (int i = 0; i < 3; ++i) {
      const Fraction fraction = FractionAt(*datum, i);
      const auto part = i > 0 && fraction.IsUnknown() ? std::optional<double>(0) : fraction.Value();
      if (!part || (i > 0 && *part < 0)) return std::nullopt;
      if (*part < 0) sign = -1;
      angle += std::abs(*part) / (i == 0 ? 1 : i == 1 ? 60 : 3600);
    }
    if (!(angle <= limit_deg)) return std::nullopt;
    const auto reference = Text(reference_key);
    if (reference && std::toupper(static_cast<unsigned char>(reference->front())) == negative) sign = -1;
    return sign * angle + 0.0;  // never -0
  }

 private:
  static bool IsNumeric(Exiv2::TypeId type) {
    switch (type) {
      case Exiv2::unsignedByte:
      case Exiv2::unsignedShort:
      case Exiv2::unsignedLong:
      case Exiv2::unsignedRational:
      case Exiv2::signedByte:
      case Exiv2::signedShort:
      case Exiv2::signedLong:
      case Exiv2::signedRational:
      case Exiv2::tiffFloat:
      case Exiv2::tiffDouble:
        return true;
      default:
        return false;
    }
  }

  static Fraction FractionAt(const Exiv2::Exifdatum& datum, int index) {
    switch (datum.typeId()) {
      case Exiv2::unsignedRational: {  // toRational would read 4294967295 as -1.
        const auto& value = dynamic_cast<const Exiv2::URationalValue&>(datum.value()).value_.at(index);
        return {static_cast<double>(value.first), static_cast<double>(value.second)};
      }
      case Exiv2::signedRational: {
        const auto& value = dynamic_cast<const Exiv2::RationalValue&>(datum.value()).value_.at(index);
        return {static_cast<double>(value.first), static_cast<double>(value.second)};
      }
      case Exiv2::tiffDouble:
        return {dynamic_cast<const Exiv2::DoubleValue&>(datum.value()).value_.at(index), 1};
      case Exiv2::unsignedLong:
        return {static_cast<double>(dynamic_cast<const Exiv2::ULongValue&>(datum.value()).value_.at(index)),
                1};
      default:
        return {datum.toFloat(index), 1};
    }
  }

  const Exiv2::Exifdatum* Find(const char* key) const {
    const auto found = data_.findKey(Exiv2::ExifKey(key));
    return found == data_.end() ? nullptr : &*found;
  }

  const Exiv2::ExifData& data_;
};

std::optional<int> InRange(const std::optional<double>& value, int low, int high) {
  if (!value || *value < low || *value > high || *value != std::floor(*value)) return std::nullopt;
  return static_cast<int>(*value);
}

// AltitudeRef: 1 and 3 (EXIF 3.0) are below the sea level and below the ellipsoid.
std::optional<double> Altitude(const Reader& reader) {
  const auto altitude = reader.Number({"Exif.GPSInfo.GPSAltitude"});
  const auto reference = reader.Number({"Exif.GPSInfo.GPSAltitudeRef"});
  const bool is_below = reference && (*reference == 1 || *reference == 3);
  return altitude && is_below ? 0.0 - std::abs(*altitude) : altitude;
}

// Receivers without a fix write 0 degrees north, 0 degrees east, a place in the sea.
void DropPlaceWithoutFix(ExifInfo& info) {
  if (!info.latitude_deg || !info.longitude_deg || (*info.latitude_deg == 0 && *info.longitude_deg == 0)) {
    info.latitude_deg = info.longitude_deg = info.altitude_m = std::nullopt;
  }
}

ExifInfo InfoFrom(const Exiv2::ExifData& data) {
  const Reader reader(data);
  ExifInfo info;
  info.make = reader.Text("Exif.Image.Make");
  info.model = reader.Text("Exif.Image.Model");
  info.orientation = InRange(reader.Number({"Exif.Image.Orientation"}), 1, 8);
  // Some programs write the lens' tags into the main directory, where TIFF/EP has them.
  info.focal_length_mm = reader.Number({"Exif.Photo.FocalLength", "Exif.Image.FocalLength"});
  info.focal_length_35mm = reader.Number({"Exif.Photo.FocalLengthIn35mmFilm"});
  info.focal_plane_x_resolution =
      reader.Number({"Exif.Photo.FocalPlaneXResolution", "Exif.Image.FocalPlaneXResolution"});
  info.focal_plane_unit = InRange(
      reader.Number({"Exif.Photo.FocalPlaneResolutionUnit", "Exif.Image.FocalPlaneResolutionUnit"}), 1, 5);
  info.pixel_x_dimension = reader.Number({"Exif.Photo.PixelXDimension"});
  info.latitude_deg = reader.Angle("Exif.GPSInfo.GPSLatitude", "Exif.GPSInfo.GPSLatitudeRef", 'S', 90.0);
  info.longitude_deg = reader.Angle("Exif.GPSInfo.GPSLongitude", "Exif.GPSInfo.GPSLongitudeRef", 'W', 180.0);
  info.altitude_m = Altitude(reader);
  DropPlaceWithoutFix(info);
  return info;
}

// What EXIF does not say, programs that edit photos may have kept in XMP. Not the orientation: XMP's is not
// applied by viewers, nor by COLMAP.
ExifInfo WithXmp(ExifInfo info, const Exiv2::XmpData& xmp) {
  if (xmp.empty()) return info;
  Exiv2::ExifData data;
  Exiv2::copyXmpToExif(xmp, data);
  const ExifInfo more = InfoFrom(data);
  if (!info.make && !info.model) {
    info.make = more.make;
    info.model = more.model;
  }
  if (!info.focal_length_mm && !info.focal_length_35mm) {
    info.focal_length_mm = more.focal_length_mm;
    info.focal_length_35mm = more.focal_length_35mm;
  }
  if (!info.focal_plane_x_resolution && !info.focal_plane_unit) {
    info.focal_plane_x_resolution = more.focal_plane_x_resolution;
    info.focal_plane_unit = more.focal_plane_unit;
  }
  if (!info.pixel_x_dimension) info.pixel_x_dimension = more.pixel_x_dimension;
  if (!info.latitude_deg) {
    info.latitude_deg = more.latitude_deg;
    info.longitude_deg = more.longitude_deg;
    info.altitude_m = more.altitude_m;
  }
  return info;
}

void SetUpLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    static std::recursive_mutex mutex;  // XMP's parser has one state for all threads.
    Exiv2::XmpParser::initialize(
        [](void* lock, bool acquire) {
          auto& held = *static_cast<std::recursive_mutex*>(lock);
          acquire ? held.lock() : held.unlock();
        },
        &mutex);
    Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
#if !EXIV2_TEST_VERSION(0, 28, 3)
    Exiv2::enableBMFF(true);  // HEIF; always on in later versions
#endif
  });
}

}  // namespace

ExifInfo ReadExif(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};  // Opening a FIFO would block.
  SetUpLibrary();
  try {
    // Absolute: exiv2 takes "-" for standard input, and "http://..." for an address.
    const auto image = Exiv2::ImageFactory::open(fs::absolute(path).string());
    image->readMetadata();
    return WithXmp(InfoFrom(image->exifData()), image->xmpData());
  } catch (const std::exception&) {  // exiv2's errors, and bad_alloc for lengths that a damaged file claims
    return {};
  }
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
