// The safetensors container: bytes as the format says, and every kind of damage refused.
#include "network/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/test_seed.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

// A file of this header and data, the length in front.
std::string File(const std::string& header, const std::string& data = "") {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes.push_back(static_cast<char>(uint64_t{header.size()} >> shift));
  return bytes + header + data;
}

std::string RefusalOf(const std::string& bytes) {
  try {
    ParseSafetensors(bytes, "x.safetensors");
  } catch (const WeightsError& error) {
    return error.what();
  }
  return "not refused";
}

// The example of docs/weights_format.md.
SafetensorsFile ExampleFile() {
  SafetensorsFile file;
  file.metadata["k"] = "v";
  file.tensors["bias"] = {ScalarType::kF32, {2}, std::string("\0\0\x80\x3f\0\0\0\xc0", 8)};  // 1, -2
  file.tensors["n"] = {ScalarType::kI64, {}, std::string("\3\0\0\0\0\0\0\0", 8)};
  return file;
}

std::string ExampleBytes() {
  return std::string("\x88\0\0\0\0\0\0\0", 8) +
         R"({"__metadata__":{"k":"v"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
         R"("bias":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})" +
         std::string(136 - 135, ' ') + std::string("\3\0\0\0\0\0\0\0", 8) +
         std::string("\0\0\x80\x3f\0\0\0\xc0", 8);
}

TEST(Safetensors, WritesTheDocumentedBytes) {
  EXPECT_EQ(SerializeSafetensors(ExampleFile(), "example"), ExampleBytes());
}

TEST(Safetensors, ReadsTheDocumentedBytes) {
  const SafetensorsFile file = ParseSafetensors(ExampleBytes(), "example");
  EXPECT_EQ(file.metadata, ExampleFile().metadata);
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_EQ(file.tensors.at("bias").type, ScalarType::kF32);
  EXPECT_EQ(file.tensors.at("bias").shape, std::vector<int64_t>{2});
  EXPECT_EQ(file.tensors.at("bias").bytes, ExampleFile().tensors.at("bias").bytes);
  EXPECT_TRUE(file.tensors.at("n").shape.empty());
}

// As the format's own description shows a file: fields in any order, white space, no metadata.
TEST(Safetensors, ReadsFilesOfOtherWriters) {
  const std::string header = R"( { "b" : {"data_offsets":[2,2],"shape":[0,7],"dtype":"F64"},
                                   "a" : {"shape":[1,2],"dtype":"U8","data_offsets":[0,2]} } )";
  const SafetensorsFile file = ParseSafetensors(File(header.substr(1), "\1\2"), "other");
  EXPECT_EQ(file.tensors.at("a").bytes, "\1\2");
  EXPECT_EQ(file.tensors.at("b").bytes, "");
}

TEST(Safetensors, EveryTypeRoundTrips) {
  SafetensorsFile file;
  for (const ScalarType type :
       {ScalarType::kBool, ScalarType::kU8, ScalarType::kI8, ScalarType::kI16, ScalarType::kI32,
        ScalarType::kI64, ScalarType::kF16, ScalarType::kBF16, ScalarType::kF32, ScalarType::kF64}) {
    file.tensors[ScalarTypeName(type)] = {type, {3, 1}, std::string(3 * ScalarTypeSize(type), '\7')};
  }
  const SafetensorsFile copy = ParseSafetensors(SerializeSafetensors(file, "all"), "all");
  ASSERT_EQ(copy.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(copy.tensors.at(name).type, tensor.type) << name;
    EXPECT_EQ(copy.tensors.at(name).bytes, tensor.bytes) << name;
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string whole = ExampleBytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(RefusalOf(whole.substr(0, size)), "not refused") << "first " << size << " bytes";
  }
}

TEST(Safetensors, RefusesBytesAfterTheEnd) {
  EXPECT_THAT(RefusalOf(ExampleBytes() + '\0'), HasSubstr("belong to no entry"));
}

TEST(Safetensors, RefusesImpossibleHeaderLengths) {
  EXPECT_THAT(RefusalOf(std::string(8, '\xff') + "{}"),
              HasSubstr("states a header of 18446744073709551615 bytes"));
  EXPECT_THAT(RefusalOf(std::string("\3\0\0\0\0\0\0\0{}", 10)), HasSubstr("at most 2"));
  std::string huge(8 + kMaxSafetensorsHeader + 1, ' ');
  const uint64_t length = kMaxSafetensorsHeader + 1;
  for (int i = 0; i < 8; ++i) huge[i] = static_cast<char>(length >> (8 * i));
  EXPECT_THAT(RefusalOf(huge), HasSubstr("at most 100000000"));
}

struct BadHeader {
  const char* header;
  const char* message;  // must be in the refusal
};

TEST(Safetensors, RefusesBadHeadersByName) {
  const std::string data(8, '\0');
  const BadHeader table[] = {
      {"", "does not begin with '{'"},
      {"[]", "does not begin with '{'"},
      {" {}", "does not begin with '{'"},
      {"{", "not JSON"},
      {"{} {}", "not JSON"},
      {"{\"a\xff\":{}}", "not JSON"},
      {"{}", "belong to no entry"},
      {R"({"a":null})", "holds null"},
      {R"({"a":[]})", "holds a list"},
      {R"({"a":8})", "holds a number"},
      {R"({"a":{}})", "entry 'a' has no dtype"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "has no data_offsets"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", "has no shape"},
      {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", "unknown dtype 'F31'"},
      {R"({"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}})", "holds a number in 'dtype'"},
      {R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})", "holds a string in 'shape'"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"code":"x"}})", "unknown field 'code'"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "has 'dtype' twice"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{}})", "entry 'a' occurs twice"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", "has 'k' twice"},
      {R"({"__metadata__":{"k":1}})", "holds a number in 'k'"},
      {R"({"__metadata__":{"k":{}}})", "holds an object in 'k'"},
      {R"({"__metadata__":"text"})", "holds a string"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "holds a negative number"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "holds a fraction"},
      {R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", "holds a list"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
       "has 8 bytes, its shape and dtype need 12"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", "beyond 63 bits"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", "beyond 63 bits"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}})", "beyond 63 bits"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})",
       "more than 16"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "must have two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", "must have two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "truncated or damaged"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", "truncated or damaged"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551616]}})",
       "a fraction"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "bytes belong to no entry"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "4 bytes at the end belong to no entry"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "overlaps"},
  };
  for (const BadHeader& bad : table)
    EXPECT_THAT(RefusalOf(File(bad.header, data)), HasSubstr(bad.message)) << bad.header;
}

TEST(Safetensors, RefusesDeepNestingWithoutRecursion) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(RefusalOf(File(R"({"a":{"dtype":"F32","shape":)" + deep)), HasSubstr("holds a list"));
}

TEST(Safetensors, TellsThatAPickleIsNotSafetensors) {
  EXPECT_THAT(RefusalOf("\x80\x02\x8a\x0a rest of an old .pth"), HasSubstr("weights import"));
  EXPECT_THAT(RefusalOf("PK\3\4 rest of a zip"), HasSubstr("weights import"));
}

// Any byte may be anything: the reader answers with a file or a WeightsError, never otherwise.
TEST(Safetensors, AnyChangedByteIsReadOrRefused) {
  const std::string whole = ExampleBytes();
  int num_refused = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int round = 0; round < 16; ++round) {
      std::string changed = whole;
      changed[i] = static_cast<char>(TestRng()());
      num_refused += RefusalOf(changed) != "not refused" ? 1 : 0;
    }
  }
  EXPECT_GT(num_refused, 1000);  // of 2560; free are data, metadata, padding and names
}

TEST(Safetensors, DoesNotWriteTensorsThatContradictThemselves) {
  SafetensorsFile file = ExampleFile();
  file.tensors["bias"].shape = {3};
  EXPECT_THROW(SerializeSafetensors(file, "x"), WeightsError);
  file = ExampleFile();
  file.tensors["__metadata__"] = file.tensors["bias"];
  EXPECT_THROW(SerializeSafetensors(file, "x"), WeightsError);
  file = ExampleFile();
  file.metadata["k"] = "\xff";
  EXPECT_THROW(SerializeSafetensors(file, "x"), WeightsError);
}

TEST(Safetensors, WritingReplacesTheFileAndLeavesNothingElse) {
  const std::filesystem::path folder = std::filesystem::path(COLMATCH_BINARY_DIR) / "safetensors_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "w.safetensors").string();
  WriteFileAtomically(path, "old");
  WriteSafetensors(ExampleFile(), path);
  EXPECT_EQ(ReadWholeFile(path), ExampleBytes());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()),
            1);
  EXPECT_EQ(ReadSafetensors(path).metadata.at("k"), "v");
  EXPECT_THROW(WriteSafetensors(ExampleFile(), (folder / "missing" / "w.safetensors").string()),
               EnvironmentError);
  std::filesystem::remove_all(folder);
}

TEST(Safetensors, MissingFilesAndFoldersAreRefusedByPath) {
  for (const char* path : {"/nonexistent/w.safetensors", "/", "/dev/zero"}) {
    try {
      ReadSafetensors(path);
      ADD_FAILURE() << path;
    } catch (const WeightsError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path));
    }
  }
}

// FIPS 180-2, appendix B, and the empty message.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace colmatch
