// Tests of CRC-32 against the published check value and zlib.
#include "util/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace colmatch {
namespace {

TEST(Crc32, IsTheOneOfZip) {
  EXPECT_EQ(Crc32("123456789"), 0xCBF43926u) << "the check value of the catalogue of CRCs";
  EXPECT_EQ(Crc32(""), 0u);
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<char>(7 * i));
  EXPECT_EQ(Crc32(bytes),
            crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

}  // namespace
}  // namespace colmatch
