// COLMAP's blobs and pair ids: pure functions between bytes and values.
#include "database_io/blob.h"

#include <cmath>
#include <cstring>

#include "util/error.h"

namespace colmatch {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "blobs are copied as they are: a little-endian host is needed");
static_assert(sizeof(Matches::value_type) == 8, "a match is two packed uint32");

template <typename T>
std::string ToBytes(const T* values, size_t count) {
  return count == 0 ? std::string() : std::string(reinterpret_cast<const char*>(values), count * sizeof(T));
}

template <typename T>
std::vector<T> FromBytes(std::string_view bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  // memcpy, not a cast: SQLite does not align its blobs.
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
void CheckFinite(const RowName& row, const char* column, const std::vector<T>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw InputError(ToString(row) + ": value " + std::to_string(i) + " of " + column +
                       " is not a finite number");
    }
  }
}

// size == rows * cols * value_size, without a product that could overflow.
void CheckSize(const RowName& row, int64_t rows, int64_t cols, size_t value_size, std::string_view bytes) {
  const uint64_t size = bytes.size();
  bool ok = rows >= 0 && cols >= 0;
  if (ok && (rows == 0 || cols == 0)) {
    ok = size == 0;
  } else if (ok) {
    const uint64_t values = size / value_size;
    ok = size % value_size == 0 && values % static_cast<uint64_t>(rows) == 0 &&
         values / static_cast<uint64_t>(rows) == static_cast<uint64_t>(cols);
  }
  if (ok) return;
  throw InputError(ToString(row) + ": rows = " + std::to_string(rows) +
                   " and cols = " + std::to_string(cols) + " of " + std::to_string(value_size) +
                   " bytes each do not fit a blob of " + std::to_string(size) +
                   " bytes; delete the row and make it again");
}

[[noreturn]] void ThrowColumns(const RowName& row, int64_t cols, const char* expected) {
  throw InputError(ToString(row) + ": expected " + expected + " columns, found " + std::to_string(cols));
}

void CheckImageId(image_t image_id) {
  if (image_id < kMaxNumImages) return;
  throw InputError("image id " + std::to_string(image_id) + " is outside COLMAP's range 0 to " +
                   std::to_string(kMaxNumImages - 1));
}

}  // namespace

std::string ToString(const RowName& row) {
  return std::string("table ") + row.table + ", row " + std::to_string(row.id);
}

bool ShouldSwap(image_t image_id1, image_t image_id2) { return image_id1 > image_id2; }

image_pair_t PairId(image_t image_id1, image_t image_id2) {
  CheckImageId(image_id1);
  CheckImageId(image_id2);
  if (image_id1 == image_id2) {
    throw InputError("image " + std::to_string(image_id1) + " cannot be paired with itself");
  }
  if (ShouldSwap(image_id1, image_id2)) std::swap(image_id1, image_id2);
  return static_cast<image_pair_t>(kMaxNumImages) * image_id1 + image_id2;
}

std::pair<image_t, image_t> PairFromId(image_pair_t pair_id) {
  const image_pair_t id1 = pair_id / kMaxNumImages;
  const image_pair_t id2 = pair_id % kMaxNumImages;
  if (id1 >= id2) {
    throw InputError("pair id " + std::to_string(pair_id) + " belongs to no two images: it reads as images " +
                     std::to_string(id1) + " and " + std::to_string(id2) + ", expected first < second");
  }
  return {static_cast<image_t>(id1), static_cast<image_t>(id2)};
}

std::string EncodeFloats(const std::vector<float>& values) { return ToBytes(values.data(), values.size()); }

std::string EncodeKeypoints(const KeypointsBlob& keypoints) {
  if (keypoints.cols == 2) return EncodeFloats(keypoints.xy);
  std::vector<float> rows;
  rows.reserve(keypoints.rows * 4);
  for (size_t i = 0; i < keypoints.rows; ++i) {
    const float orientation = 0;
    rows.insert(rows.end(), {keypoints.xy[2 * i], keypoints.xy[2 * i + 1], keypoints.scales[i], orientation});
  }
  return EncodeFloats(rows);
}

std::string EncodeDoubles(const double* values, size_t count) { return ToBytes(values, count); }

std::string EncodeMatches(const Matches& matches) { return ToBytes(matches.data(), matches.size()); }

KeypointsBlob DecodeKeypoints(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes) {
  if (cols != 2 && cols != 4 && cols != 6) ThrowColumns(row, cols, "2, 4 or 6");
  CheckSize(row, rows, cols, sizeof(float), bytes);
  KeypointsBlob keypoints;
  keypoints.rows = static_cast<size_t>(rows);
  keypoints.cols = static_cast<int>(cols);
  keypoints.xy.resize(keypoints.rows * 2);
  keypoints.scales.resize(cols == 4 ? keypoints.rows : 0);
  const size_t stride = static_cast<size_t>(cols) * sizeof(float);
  for (size_t i = 0; i < keypoints.rows; ++i) {
    const char* const values = bytes.data() + i * stride;
    std::memcpy(&keypoints.xy[2 * i], values, 2 * sizeof(float));
    if (cols == 4) std::memcpy(&keypoints.scales[i], values + 2 * sizeof(float), sizeof(float));
  }
  CheckFinite(row, "data", keypoints.xy);
  return keypoints;
}

Descriptors DecodeFloatDescriptors(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes) {
  if (cols < 0 || cols > INT32_MAX || cols % sizeof(float) != 0) ThrowColumns(row, cols, "a multiple of 4");
  CheckSize(row, rows, cols, 1, bytes);
  Descriptors descriptors{static_cast<size_t>(rows), static_cast<int>(cols / sizeof(float)),
                          FromBytes<float>(bytes)};
  CheckFinite(row, "data", descriptors.values);
  return descriptors;
}

ByteDescriptors DecodeByteDescriptors(const RowName& row, int64_t rows, int64_t cols,
                                      std::string_view bytes) {
  if (cols < 0 || cols > INT32_MAX) ThrowColumns(row, cols, "0 to 2^31 - 1");
  CheckSize(row, rows, cols, 1, bytes);
  return {static_cast<size_t>(rows), static_cast<int>(cols), FromBytes<uint8_t>(bytes)};
}

Matches DecodeMatches(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes) {
  if (cols != 2) ThrowColumns(row, cols, "2");
  CheckSize(row, rows, cols, sizeof(uint32_t), bytes);
  return FromBytes<Matches::value_type>(bytes);
}

std::vector<float> DecodeFloats(const RowName& row, const char* column, std::string_view bytes) {
  if (bytes.size() % sizeof(float) != 0) {
    throw InputError(ToString(row) + ": " + column + " has " + std::to_string(bytes.size()) +
                     " bytes, expected a multiple of 4");
  }
  return FromBytes<float>(bytes);
}

std::vector<double> DecodeDoubles(const RowName& row, const char* column, std::string_view bytes) {
  if (bytes.size() % sizeof(double) != 0) {
    throw InputError(ToString(row) + ": " + column + " has " + std::to_string(bytes.size()) +
                     " bytes, expected a multiple of 8");
  }
  return FromBytes<double>(bytes);
}

std::vector<double> DecodeDoubles(const RowName& row, const char* column, std::string_view bytes,
                                  size_t count) {
  if (bytes.size() != count * sizeof(double)) {
    throw InputError(ToString(row) + ": " + column + " has " + std::to_string(bytes.size()) +
                     " bytes, expected " + std::to_string(count * sizeof(double)));
  }
  return FromBytes<double>(bytes);
}

}  // namespace colmatch
