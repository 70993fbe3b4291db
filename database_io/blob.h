// COLMAP's blobs and pair ids: pure functions between bytes and values. All blobs are little endian,
// row-major.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/colmap_types.h"

namespace colmatch {

// Which row a blob came from; every InputError below names it.
struct RowName {
  const char* table;
  int64_t id;
};
std::string ToString(const RowName& row);

// --- pair ids (colmap/scene/database.h: ImagePairToPairId) -------------------------------------------------

// True if COLMAP stores the pair as (image_id2, image_id1): the smaller id comes first.
bool ShouldSwap(image_t image_id1, image_t image_id2);

// 2147483647 * smaller id + larger id. Throws InputError if an id is 0 or too large, or if both are the same.
image_pair_t PairId(image_t image_id1, image_t image_id2);

// The two ids, smaller first. Throws InputError if no two images have this pair id.
std::pair<image_t, image_t> PairFromId(image_pair_t pair_id);

// --- values to bytes ---------------------------------------------------------------------------------------

std::string EncodeFloats(const std::vector<float>& values);
std::string EncodeKeypoints(const KeypointsBlob& keypoints);  // of 2 or 4 columns
std::string EncodeDoubles(const double* values, size_t count);
std::string EncodeMatches(const Matches& matches);

// --- bytes to values ---------------------------------------------------------------------------------------
// Each checks 0 <= rows, the columns, and size == rows * cols * bytes per value before anything is allocated,
// and throws InputError otherwise. A row of zero keypoints, descriptors or matches is a value, not an error.

// float32, 2 (x, y), 4 (+ scale, orientation) or 6 (+ affine shape) columns. NaN and infinity are refused.
KeypointsBlob DecodeKeypoints(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes);

// float32; `cols` counts bytes as COLMAP does, so it is 4 * dim. NaN and infinity are refused.
Descriptors DecodeFloatDescriptors(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes);
ByteDescriptors DecodeByteDescriptors(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes);

// uint32, 2 columns.
Matches DecodeMatches(const RowName& row, int64_t rows, int64_t cols, std::string_view bytes);

// Lists whose length is the blob's own.
std::vector<float> DecodeFloats(const RowName& row, const char* column, std::string_view bytes);
std::vector<double> DecodeDoubles(const RowName& row, const char* column, std::string_view bytes);

// Exactly `count` doubles: 9 for a 3x3 matrix, 4 for qvec, 3 for tvec.
std::vector<double> DecodeDoubles(const RowName& row, const char* column, std::string_view bytes,
                                  size_t count);

}  // namespace colmatch
