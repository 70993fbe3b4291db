// Bytes of COLMAP's blobs and pair ids, pinned.
#include "database_io/blob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "util/error.h"

namespace colmatch {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr RowName kRow{"keypoints", 7};

TEST(PairId, IsTwoToThe31Minus1TimesTheSmallerPlusTheLarger) {
  EXPECT_EQ(PairId(1, 2), 2147483649u);
  EXPECT_EQ(PairId(2, 1), 2147483649u);
  EXPECT_EQ(PairId(3, 17), 6442450958u);
  EXPECT_EQ(PairId(2147483645, 2147483646), 4611686011984936961u);
}

TEST(PairId, RoundTripsUpToTheLargestIds) {
  const std::vector<std::pair<image_t, image_t>> pairs = {
      {1, 2}, {1, 2147483646}, {2, 3}, {12345, 67890}, {2147483645, 2147483646}};
  for (const auto& [a, b] : pairs) {
    EXPECT_EQ(PairFromId(PairId(a, b)), std::make_pair(a, b));
    EXPECT_EQ(PairFromId(PairId(b, a)), std::make_pair(a, b));
  }
}

TEST(PairId, OfImpossibleImagesIsRefused) {
  const std::vector<std::pair<image_t, image_t>> bad = {{0, 0}, {5, 5}, {1, 2147483647}, {4294967295u, 1}};
  for (const auto& [a, b] : bad) EXPECT_THROW(PairId(a, b), InputError) << a << ' ' << b;
}

TEST(PairId, OfImageZeroIsThatOfBothColmaps) {
  EXPECT_EQ(PairId(5, 0), 5u);
  EXPECT_EQ(PairFromId(5), (std::pair<image_t, image_t>(0, 5)));
}

TEST(PairId, ThatBelongsToNoTwoImagesIsRefused) {
  // (1, 1), (2, 1), (1, 0), a negative number read as unsigned, and (0, 0).
  for (const image_pair_t id : {2147483648ull, 4294967295ull, 2147483647ull, ~0ull, 0ull}) {
    EXPECT_THROW(PairFromId(id), InputError) << id;
  }
}

TEST(ShouldSwap, WhenTheFirstIdIsLarger) {
  EXPECT_TRUE(ShouldSwap(2, 1));
  EXPECT_FALSE(ShouldSwap(1, 2));
}

TEST(Blob, KeypointsAreFloat32RowMajorLittleEndian) {
  EXPECT_EQ(EncodeFloats({0.5F, 1.5F, -2.0F, 640.25F}), "\0\0\0\x3f\0\0\xc0\x3f\0\0\0\xc0\0\x10\x20\x44"s);
}

TEST(Blob, MatchesAreTwoUint32LittleEndian) {
  EXPECT_EQ(EncodeMatches({{1, 258}, {4294967295u, 0}}), "\1\0\0\0\2\1\0\0\xff\xff\xff\xff\0\0\0\0"s);
}

TEST(Blob, MatricesAreFloat64RowMajorLittleEndian) {
  const double values[] = {1.0, -2.0};
  EXPECT_EQ(EncodeDoubles(values, 2), "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0"s);
}

TEST(Blob, EmptyListsAreEmptyBytes) {
  EXPECT_EQ(EncodeFloats({}), "");
  EXPECT_EQ(EncodeMatches({}), "");
  EXPECT_EQ(DecodeKeypoints(kRow, 0, 2, "").rows, 0u);
  EXPECT_EQ(DecodeKeypoints(kRow, 0, 6, "").cols, 6);
  EXPECT_TRUE(DecodeMatches(kRow, 0, 2, "").empty());
  EXPECT_EQ(DecodeFloatDescriptors(kRow, 0, 1024, "").dim, 256);
  EXPECT_EQ(DecodeByteDescriptors(kRow, 0, 128, "").dim, 128);
}

TEST(Blob, KeypointsOfEveryColumnCountOfColmapGiveTheirXAndY) {
  for (const int cols : {2, 4, 6}) {
    std::vector<float> values;
    for (int i = 0; i < 3 * cols; ++i) values.push_back(static_cast<float>(i));
    const KeypointsBlob keypoints = DecodeKeypoints(kRow, 3, cols, EncodeFloats(values));
    EXPECT_EQ(keypoints.rows, 3u);
    EXPECT_EQ(keypoints.cols, cols);
    const auto c = static_cast<float>(cols);
    EXPECT_THAT(keypoints.xy, ElementsAre(0.F, 1.F, c, c + 1, 2 * c, 2 * c + 1));
    EXPECT_EQ(keypoints.scales, cols == 4 ? std::vector<float>({2.F, 6.F, 10.F}) : std::vector<float>());
  }
}

TEST(Blob, FloatDescriptorsCountBytesAsColumns) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const Descriptors descriptors = DecodeFloatDescriptors(kRow, 2, 16, EncodeFloats(values));
  EXPECT_EQ(descriptors.rows, 2u);
  EXPECT_EQ(descriptors.dim, 4);
  EXPECT_EQ(descriptors.values, values);
}

TEST(Blob, ByteDescriptorsAreCopiedAsTheyAre) {
  const ByteDescriptors descriptors = DecodeByteDescriptors(kRow, 2, 3, "\1\2\3\xff\0\7"s);
  EXPECT_THAT(descriptors.values, ElementsAre(1, 2, 3, 255, 0, 7));
}

TEST(Blob, UnalignedBytesAreRead) {
  const std::string bytes = "x" + EncodeMatches({{3, 4}});
  EXPECT_EQ(DecodeMatches(kRow, 1, 2, std::string_view(bytes).substr(1)), (Matches{{3, 4}}));
}

struct Lie {
  const char* name;
  int64_t rows;
  int64_t cols;
  size_t bytes;
};

// Sizes that do not fit, among them those whose product overflows 64 bits to the blob's size.
const Lie kLies[] = {
    {"one row too many", 3, 2, 16},
    {"one row too few", 1, 2, 16},
    {"a billion rows", 1000000000, 2, 16},
    {"a negative number of rows", -1, 2, 16},
    {"the most negative number of rows", std::numeric_limits<int64_t>::min(), 2, 0},
    {"rows whose product with the row's size wraps to 16", (int64_t{1} << 61) + 2, 2, 16},
    {"no rows but bytes", 0, 2, 16},
    {"rows but no bytes", 2, 2, 0},
    {"a byte short", 2, 2, 15},
    {"a byte long", 2, 2, 17},
};

TEST(Blob, LyingSizesAreRefusedByTableAndRow) {
  for (const Lie& lie : kLies) {
    const std::string bytes(lie.bytes, '\0');
    try {
      DecodeKeypoints(kRow, lie.rows, lie.cols, bytes);
      ADD_FAILURE() << lie.name;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("table keypoints, row 7")) << lie.name;
    }
    EXPECT_THROW(DecodeMatches({"matches", 1}, lie.rows, lie.cols, bytes), InputError) << lie.name;
    EXPECT_THROW(DecodeFloatDescriptors({"descriptors", 1}, lie.rows, lie.cols * 4, bytes), InputError)
        << lie.name;
    EXPECT_THROW(DecodeByteDescriptors({"descriptors", 1}, lie.rows, lie.cols * 4, bytes), InputError)
        << lie.name;
  }
}

TEST(Blob, ColumnsThatColmapDoesNotHaveAreRefused) {
  const std::string bytes(48, '\0');
  for (const int64_t cols : {-2, 0, 1, 3, 5, 7, 8}) {
    EXPECT_THROW(DecodeKeypoints(kRow, 2, cols, bytes), InputError) << cols;
    EXPECT_THROW(DecodeMatches(kRow, 6, cols, bytes), InputError) << cols;
  }
  EXPECT_THROW(DecodeFloatDescriptors(kRow, 8, 6, bytes), InputError);
  EXPECT_THROW(DecodeFloatDescriptors(kRow, 1, int64_t{1} << 33, bytes), InputError);
  EXPECT_THROW(DecodeByteDescriptors(kRow, 0, -128, ""), InputError);
}

TEST(Blob, KeypointsAndDescriptorsThatAreNotNumbersAreRefused) {
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    const std::string bytes = EncodeFloats({1.0F, bad});
    EXPECT_THROW(DecodeKeypoints(kRow, 1, 2, bytes), InputError);
    EXPECT_THROW(DecodeFloatDescriptors(kRow, 1, 8, bytes), InputError);
  }
}

TEST(Blob, MatricesOfAnotherLengthAreRefused) {
  EXPECT_EQ(DecodeDoubles(kRow, "F", std::string(72, '\0'), 9).size(), 9u);
  for (const size_t size : {0, 8, 71, 73, 80}) {
    EXPECT_THROW(DecodeDoubles(kRow, "F", std::string(size, '\0'), 9), InputError) << size;
  }
  EXPECT_THROW(DecodeDoubles(kRow, "params", std::string(9, '\0')), InputError);
  EXPECT_THROW(DecodeFloats(kRow, "scores", std::string(9, '\0')), InputError);
}

}  // namespace
}  // namespace colmatch
