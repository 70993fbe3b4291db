// Tests of compressed tensors: every coding gives back its values; parts that do not fit are refused.
#include "network/formats/tensor_coding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/test_seed.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> Floats(const StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

StoredTensor Dense(const std::vector<float>& values, std::vector<int64_t> shape) {
  StoredTensor tensor;
  tensor.shape = std::move(shape);
  tensor.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return tensor;
}

SafetensorsFile CodebookFile() {
  SafetensorsFile file;
  PutCodebook(file, "w", {{2, 3}, {0, 1, 2, 2, 1, 0}, {-1.5f, 0, 4}});
  return file;
}

std::string RefusalOf(SafetensorsFile file) {
  try {
    DecodeCompressedTensors(file, "file");
  } catch (const WeightsError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(TensorCoding, CodebookValuesComeBack) {
  SafetensorsFile file = CodebookFile();
  DecodeCompressedTensors(file, "file");
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_THAT(file.tensors.at("w").shape, ElementsAre(2, 3));
  EXPECT_THAT(Floats(file.tensors.at("w")), ElementsAre(-1.5f, 0, 4, 4, 0, -1.5f));
}

SafetensorsFile SharedCodebookFile() {
  SafetensorsFile file;
  PutCodebook(file, "a", {{2}, {1, 0}, {-1, 2}, 0.5f});
  PutCodebook(file, "b", {{3}, {1, 1, 0}, {-1, 2}, 3});
  return file;
}

TEST(TensorCoding, TensorsMayShareACodebookEachWithItsScale) {
  SafetensorsFile file = SharedCodebookFile();
  DecodeCompressedTensors(file, "file");
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_THAT(Floats(file.tensors.at("a")), ElementsAre(1, -0.5f));
  EXPECT_THAT(Floats(file.tensors.at("b")), ElementsAre(6, 6, -3));
}

TEST(TensorCoding, ASharedCodebookOrScaleThatIsMissingOrMisshapedIsRefusedByName) {
  SafetensorsFile file = SharedCodebookFile();
  file.tensors.erase(":codebook");
  EXPECT_THAT(RefusalOf(file), HasSubstr("':codebook' is missing"));
  SafetensorsFile short_book = SharedCodebookFile();
  short_book.tensors[":codebook"] = Dense({1}, {1});
  EXPECT_THAT(RefusalOf(short_book), HasSubstr("of a codebook of 1"));
  SafetensorsFile scales = SharedCodebookFile();
  scales.tensors["a:scale"] = Dense({1, 2}, {2});
  EXPECT_THAT(RefusalOf(scales), HasSubstr("has 2 values, expected 1"));
  SafetensorsFile two_ways = SharedCodebookFile();
  two_ways.tensors["a:codebook"] = Dense({1, 2}, {2});
  EXPECT_THAT(RefusalOf(two_ways), HasSubstr("two ways"));
}

TEST(TensorCoding, LinearValuesAreIntegersTimesTheScaleOfTheirRow) {
  SafetensorsFile file;
  PutLinear(file, "w", {{2, 2}, {128, 255, 1, 130}, {0.5f, 2}});
  EXPECT_THAT(ReadLinearTensors(file, "file").at("w").codes, ElementsAre(128, 255, 1, 130));
  DecodeCompressedTensors(file, "file");
  EXPECT_THAT(Floats(file.tensors.at("w")), ElementsAre(0, 63.5f, -254, 4));
}

TEST(TensorCoding, SparseTensorsKeepTypeAndEveryBitOfTheirValues) {
  std::vector<float> values(300);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = TestRng()() % 4 == 0 ? std::uniform_real_distribution<float>(-1, 1)(TestRng()) : 0;
  SafetensorsFile file;
  PutSparse(file, "w", Dense(values, {3, 100}));
  PutSparse(file, "half", {ScalarType::kF16, {3}, std::string("\0\x3c\0\0\0\xbc", 6)});
  DecodeCompressedTensors(file, "file");
  EXPECT_EQ(Floats(file.tensors.at("w")), values);
  EXPECT_EQ(file.tensors.at("half").type, ScalarType::kF16);
  EXPECT_EQ(file.tensors.at("half").bytes, std::string("\0\x3c\0\0\0\xbc", 6));
}

TEST(TensorCoding, MinusZeroIsStoredAsZero) {
  SafetensorsFile file;
  PutSparse(file, "w", Dense({-0.0f, 1}, {2}));
  EXPECT_EQ(file.tensors.at("w:values").shape.front(), 1);
}

TEST(TensorCoding, ATensorOfNineInTenZerosTakesLessThanASixthOfItsBytes) {
  std::vector<float> values(20000);
  for (float& v : values) v = TestRng()() % 10 == 0 ? 1.25f : 0;
  SafetensorsFile file;
  PutSparse(file, "w", Dense(values, {20000}));
  const std::string bytes = SerializeSafetensors(file, "file");
  EXPECT_LT(bytes.size(), values.size() * sizeof(float) / 6);
}

TEST(TensorCoding, OtherEntriesAreLeftAsTheyAre) {
  SafetensorsFile file = CodebookFile();
  file.tensors["b"] = Dense({1, 2}, {2});
  DecodeCompressedTensors(file, "file");
  EXPECT_THAT(Floats(file.tensors.at("b")), ElementsAre(1, 2));
}

TEST(TensorCoding, PartsThatAreMissingOrDoubledAreRefusedByName) {
  for (const char* part : {"w:codes", "w:codebook"}) {
    SafetensorsFile file = CodebookFile();
    file.tensors.erase(part);
    EXPECT_THAT(RefusalOf(file), HasSubstr("'" + std::string(part) + "' is missing"));
  }
  SafetensorsFile doubled = CodebookFile();
  doubled.tensors["w"] = Dense({1}, {1});
  EXPECT_THAT(RefusalOf(doubled), HasSubstr("compressed and as it is"));
  SafetensorsFile two_ways = CodebookFile();
  two_ways.tensors["w:scales"] = Dense({1, 1}, {2});
  EXPECT_THAT(RefusalOf(two_ways), HasSubstr("two ways"));
}

TEST(TensorCoding, CodesBeyondTheirTableAreRefused) {
  SafetensorsFile file;
  PutCodebook(file, "w", {{2}, {0, 3}, {1, 2, 3}});
  EXPECT_THAT(RefusalOf(file), HasSubstr("names value 3 of a codebook of 3"));
  SafetensorsFile linear;
  PutLinear(linear, "w", {{2}, {0, 3}, {1, 1}});
  EXPECT_THAT(RefusalOf(linear), HasSubstr("holds 0"));
  SafetensorsFile scales;
  PutLinear(scales, "w", {{2}, {1, 3}, {1}});
  EXPECT_THAT(RefusalOf(scales), HasSubstr("1 values, expected 2"));
}

TEST(TensorCoding, SparseMasksAndValuesMustAgree) {
  SafetensorsFile file;
  PutSparse(file, "w", Dense({0, 1, 2}, {3}));
  file.tensors["w:values"] = Dense({1}, {1});
  EXPECT_THAT(RefusalOf(file), HasSubstr("does not fit"));
  file.tensors["w:values"] = Dense({1, 2, 3}, {3});
  EXPECT_THAT(RefusalOf(file), HasSubstr("no code asks for"));
}

TEST(TensorCoding, ShapesThatPromiseMoreThanAnyTensorAreRefusedBeforeMemoryIsTaken) {
  SafetensorsFile file = CodebookFile();
  const std::vector<int64_t> huge = {int64_t{1} << 40, int64_t{1} << 40};
  file.tensors["w:shape"].shape = {2};
  file.tensors["w:shape"].bytes.assign(reinterpret_cast<const char*>(huge.data()), 16);
  EXPECT_THAT(RefusalOf(file), HasSubstr("at most"));
  const std::vector<int64_t> negative = {-1, 6};
  file.tensors["w:shape"].bytes.assign(reinterpret_cast<const char*>(negative.data()), 16);
  EXPECT_THAT(RefusalOf(file), HasSubstr("at most"));
}

// A repeated symbol takes no bytes: a hundred such tensors in a file of some kB would fill any memory.
TEST(TensorCoding, TensorsThatPromiseTooMuchTogetherAreRefused) {
  SafetensorsFile file;
  for (const char* name : {"a", "b", "c"}) {
    PutCodebook(file, name, {{1}, {0}, {1}});
    const int64_t size = kMaxCodedValues / 2;
    file.tensors[std::string(name) + ":shape"].bytes.assign(reinterpret_cast<const char*>(&size),
                                                            sizeof(size));
  }
  EXPECT_THAT(RefusalOf(file), HasSubstr("'c:shape' is not that of a tensor; those of a file have at most"));
}

TEST(TensorCoding, AFileOfEmptyPartsIsRefusedOrRead) {
  SafetensorsFile file;
  PutCodebook(file, "w", {{}, {0}, {}});
  EXPECT_THAT(RefusalOf(file), HasSubstr("names value 0 of a codebook of 0"));
  PutCodebook(file, "w", {{0}, {}, {}});
  EXPECT_EQ(RefusalOf(file), "not refused");
}

}  // namespace
}  // namespace colmatch
