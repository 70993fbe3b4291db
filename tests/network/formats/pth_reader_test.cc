// Official .pth files in both formats, and pickles that try to run code or to exhaust memory.
#include "network/formats/pth_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>

#include "tests/network/formats/zip_builder.h"
#include "tests/test_seed.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

std::string Bytes(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}
std::string Text(const std::string& text) { return "X" + Bytes(text.size(), 4) + text; }
std::string Int(int value) { return "J" + Bytes(static_cast<uint64_t>(value), 4); }
std::string Ints(const std::vector<int>& values) {
  std::string items;
  for (const int value : values) items += Int(value);
  return "(" + items + "t";
}

const std::string kProtocol2("\x80\x02", 2);
const std::string kFalse = "\x89", kTrue = "\x88";
const std::string kTwoFloats("\0\0\x80\x3f\0\0\0\xc0", 8);  // 1, -2

struct TensorText {
  int storage_size = 2, offset = 0;
  std::vector<int> shape = {2}, strides = {1};
};

// Pushes a tensor of storage "7", the way torch.save of any version does.
std::string Tensor(const TensorText& t, const std::string& storage = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + "ctorch\n" + storage + "\n" + Text("7") +
         Text("cpu") + Int(t.storage_size) + "tQ" + Int(t.offset) + Ints(t.shape) + Ints(t.strides) + kFalse +
         "ccollections\nOrderedDict\n)RtR";
}
std::string Dict(const std::string& items) {
  return kProtocol2 + "ccollections\nOrderedDict\n)R(" + items + "u.";
}

// A whole file of the old format around a pickled state dict.
std::string Legacy(const std::string& dict, const std::string& storage = kTwoFloats, int element_size = 4) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  const std::string version = kProtocol2 + "M\xe9\x03.";
  const std::string system = kProtocol2 + "}(" + Text("little_endian") + kTrue + "u.";
  const std::string keys = kProtocol2 + "](" + Text("7") + "e.";
  return magic + version + system + dict + keys + Bytes(storage.size() / element_size, 8) + storage;
}
std::string Zip(const std::string& dict, const std::string& storage = kTwoFloats) {
  return BuildZip({{"net/data.pkl", dict}, {"net/byteorder", "little"}, {"net/data/7", storage}});
}

std::string RefusalOf(const std::string& bytes) {
  try {
    ParsePth(bytes, "x.pth");
  } catch (const WeightsError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(PthReader, ReadsAHandMadeFileOfBothFormats) {
  const std::string dict = Dict(Text("w") + Tensor({}));
  for (const std::string& file : {Legacy(dict), Zip(dict)}) {
    const auto tensors = ParsePth(file, "x.pth");
    ASSERT_EQ(tensors.size(), 1u);
    EXPECT_EQ(tensors.at("w").type, ScalarType::kF32);
    EXPECT_EQ(tensors.at("w").shape, std::vector<int64_t>{2});
    EXPECT_EQ(tensors.at("w").bytes, kTwoFloats);
  }
}

TEST(PthReader, IgnoresTheVersionsOfTheModules) {
  const std::string versions =
      "}" + Text("_metadata") + "}" + Text("") + "}" + Text("version") + Int(1) + "sssb.";
  std::string dict = Dict(Text("w") + Tensor({}));
  dict.pop_back();
  EXPECT_EQ(ParsePth(Legacy(dict + versions), "x.pth").size(), 1u);
}

TEST(PthReader, ReadsParametersAndOtherTypes) {
  const std::string parameter =
      "ctorch._utils\n_rebuild_parameter\n(" + Tensor({}) + kTrue + "ccollections\nOrderedDict\n)RtR";
  EXPECT_EQ(ParsePth(Zip(Dict(Text("w") + parameter)), "x.pth").at("w").bytes, kTwoFloats);
  TensorText one;
  one.storage_size = 1;
  one.shape = one.strides = {};
  const auto tensors = ParsePth(Zip(Dict(Text("n") + Tensor(one, "LongStorage"))), "x.pth");
  EXPECT_EQ(tensors.at("n").type, ScalarType::kI64);
  EXPECT_TRUE(tensors.at("n").shape.empty());
}

// A transposed view: (2, 3) with strides (1, 2) over 0..5 is 0 2 4 / 1 3 5.
TEST(PthReader, TransposedTensorsComeOutRowMajor) {
  TensorText transposed;
  transposed.storage_size = 6;
  transposed.shape = {2, 3};
  transposed.strides = {1, 2};
  const std::string dict = Dict(Text("w") + Tensor(transposed, "ByteStorage"));
  EXPECT_EQ(ParsePth(Zip(dict, std::string("\0\1\2\3\4\5", 6)), "x.pth").at("w").bytes,
            std::string("\0\2\4\1\3\5", 6));
}

struct BadPickle {
  const char* what;
  std::string pickle;
  const char* message;  // must be in the refusal
};

std::vector<BadPickle> PicklesThatRunCode() {
  const std::string p = kProtocol2, run = Text("touch pwned");
  return {
      {"os.system by REDUCE", p + "cposix\nsystem\n" + run + "\x85R.", "'posix.system'"},
      {"os.system by BUILD",
       p + "ccollections\nOrderedDict\n)R}(" + Text("__setstate__") + "cos\nsystem\nub" + run + "b.",
       "'os.system'"},
      {"attributes by BUILD", p + "ccollections\nOrderedDict\n)R}(" + Text("__class__") + Int(1) + "ub.",
       "'__class__'"},
      {"attributes of a plain dictionary", p + "}}b.", "not a state dict"},
      {"eval by STACK_GLOBAL",
       "\x80\x04\x8c\x08"
       "builtins\x8c\x04"
       "eval\x93" +
           run + "\x85R.",
       "'builtins.eval'"},
      {"torch's own functions", p + "ctorch.hub\nload\n)R.", "'torch.hub.load'"},
      {"a function of an allowed module", p + "ctorch._utils\n_import_dotted_name\n)R.",
       "_import_dotted_name"},
      {"a name with a dot", p + "ccollections\nOrderedDict.__init__.__globals__\n)R.",
       "OrderedDict.__init__"},
      {"INST", p + "(" + run + "ios\nsystem\n.", "instruction 0x69"},
      {"OBJ", p + "(" + run + "o.", "instruction 0x6f"},
      {"NEWOBJ", p + "csubprocess\nPopen\n)\x81.", "'subprocess.Popen'"},
      {"EXT1", p + "\x82\x01.", "instruction 0x82"},
      {"text persistent id", p + "Pexternal\n.", "instruction 0x50"},
      {"OrderedDict of something", p + "ccollections\nOrderedDict\n]\x85R.", "with arguments"},
      {"a storage made inside", p + "ctorch\nFloatStorage\n)R.", "makes a storage"},
  };
}

std::vector<BadPickle> PicklesThatBreakTheMachine() {
  const std::string p = kProtocol2;
  return {
      {"REDUCE on nothing", p + "R.", "empty stack"},
      {"BUILD on nothing", p + "b.", "empty stack"},
      {"BINPERSID on nothing", p + "Q.", "empty stack"},
      {"SETITEM on nothing", p + "s.", "empty stack"},
      {"BINPUT on nothing", p + "q\1.", "empty stack"},
      {"TUPLE3 below a mark", p + "NN(N\x87.", "empty stack"},
      {"TUPLE without a mark", p + "t.", "no mark"},
      {"STOP with nothing", p + ".", "one result"},
      {"STOP with two", p + "NN.", "one result"},
      {"STOP inside a mark", p + "N(.", "one result"},
      {"an odd SETITEMS", p + "}(Nu.", "without a value"},
      {"items of a number", p + "K\1(NNu.", "not a dictionary"},
      {"append to a number", p + "K\1Na.", "not a list"},
      {"memo never stored", p + "h\5.", "memo 5"},
      {"memo 4294967280 never stored", p + "j\xf0\xff\xff\xff.", "memo 4294967280"},
      {"text of 4 GiB",
       p + "X\xff\xff\xff\xff"
           "abc",
       "truncated"},
      {"a list", "(lp0\n.", "holds no dictionary"},
      {"protocol 9", "\x80\x09N.", "protocol 9"},
      {"nothing", "", "truncated"},
      {"a name without end", p + "cos", "truncated"},
      {"too many instructions", p + std::string(2'000'000, '\x88'), "more than 1000000 instructions"},
      {"a tower of tuples", p + ")" + std::string(900'000, '\x85') + ".", "no dictionary"},
      {"a dictionary in itself", p + "}q\1" + Text("a") + "h\1s.", "'a' is not a tensor"},
      {"a checkpoint of more than weights", Dict(Text("model") + "}"), "'model' is not a tensor"},
      {"an entry twice", Dict(Text("w") + Tensor({}) + Text("w") + Tensor({})), "twice"},
      {"a name that is a number", Dict("K\1" + Tensor({})), "text is needed"},
      {"a persistent id that is no storage", p + "(" + Text("module") + "NNNNtQ.", "not a storage"},
      {"a storage without type", p + "(" + Text("storage") + "N" + Text("7") + Text("cpu") + Int(2) + "tQ.",
       "without type"},
  };
}

TEST(PthReader, RefusesEverythingThatCouldRunCodeByName) {
  for (const BadPickle& bad : PicklesThatRunCode()) {
    EXPECT_THAT(RefusalOf(Legacy(bad.pickle)), HasSubstr(bad.message)) << bad.what;
    EXPECT_THAT(RefusalOf(Zip(bad.pickle)), HasSubstr(bad.message)) << bad.what;
  }
  EXPECT_FALSE(std::filesystem::exists("pwned"));
}

TEST(PthReader, RefusesPicklesThatBreakTheMachine) {
  for (const BadPickle& bad : PicklesThatBreakTheMachine()) {
    EXPECT_THAT(RefusalOf(Zip(bad.pickle)), HasSubstr(bad.message)) << bad.what;
  }
}

TEST(PthReader, RefusesTensorsThatReachBeyondTheirStorage) {
  const auto refusal = [](const TensorText& tensor) {
    return RefusalOf(Zip(Dict(Text("w") + Tensor(tensor))));
  };
  EXPECT_THAT(refusal({3, 0, {2}, {1}}), HasSubstr("storage of 3 elements"));
  EXPECT_THAT(refusal({-1, 0, {2}, {1}}), HasSubstr("negative size"));
  EXPECT_THAT(refusal({2, 1, {2}, {1}}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refusal({2, -1, {2}, {1}}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refusal({2, 0, {2}, {2}}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refusal({2, 1, {2}, {-1}}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refusal({2, 0, {2}, {2147483647}}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refusal({2, 0, {-2}, {1}}), HasSubstr("negative size"));
  EXPECT_THAT(refusal({2, 0, {2}, {1, 1}}), HasSubstr("more sizes than strides"));
  EXPECT_THAT(refusal({2, 0, std::vector<int>(17, 1), std::vector<int>(17, 1)}), HasSubstr("17 dimensions"));
  EXPECT_THAT(refusal({2, 0, {1000, 1000, 1000}, {0, 0, 0}}), HasSubstr("larger than the file"));
  EXPECT_THAT(refusal({2, 0, {2147483647, 2147483647, 2147483647}, {0, 0, 0}}), HasSubstr("63 bits"));
}

// A small file may not ask for much: the largest memo index is a number like any other.
TEST(PthReader, HugeMemoIndicesCostNoMemory) {
  const auto peak_kb = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const long before = peak_kb();
  const std::string dict = kProtocol2 +
                           "}r\xf0\xff\xff\xff"
                           "Pid\n";  // PERSID, a text id, is not in the allow-list either
  EXPECT_THAT(RefusalOf(Zip(dict)), HasSubstr("instruction 0x50"));
  EXPECT_TRUE(ParsePth(Zip(kProtocol2 + "}r\xf0\xff\xff\xff."), "x.pth").empty());
  for (const BadPickle& bad : PicklesThatBreakTheMachine()) RefusalOf(Zip(bad.pickle));
  EXPECT_LT(peak_kb() - before, 512 * 1024);
}

TEST(PthReader, RefusesEveryTruncation) {
  const std::string dict = Dict(Text("w") + Tensor({}));
  for (const std::string& whole : {Legacy(dict), Zip(dict)}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(RefusalOf(whole.substr(0, size)), "not refused") << "first " << size << " bytes";
    }
    EXPECT_NE(RefusalOf(whole + "x"), "not refused");
  }
}

TEST(PthReader, AnyChangedByteIsReadOrRefused) {
  const std::string dict = Dict(Text("w") + Tensor({}));
  for (const std::string& whole : {Legacy(dict), Zip(dict)}) {
    int num_refused = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
      for (int round = 0; round < 8; ++round) {
        std::string changed = whole;
        changed[i] = static_cast<char>(TestRng()());
        num_refused += RefusalOf(changed) != "not refused" ? 1 : 0;
      }
    }
    EXPECT_GT(num_refused, static_cast<int>(whole.size()));  // of eight times as many
  }
}

TEST(PthReader, RefusesOtherZips) {
  const std::string dict = Dict(Text("w") + Tensor({}));
  const auto entries = std::vector<ZipEntry>{{"net/data.pkl", dict}, {"net/data/7", kTwoFloats}};
  const auto change = [&](size_t index, auto&& edit) {
    auto copy = entries;
    edit(copy[index]);
    return RefusalOf(BuildZip(copy));
  };
  EXPECT_THAT(change(1, [](ZipEntry& entry) { entry.method = 8; }), HasSubstr("'net/data/7' is compressed"));
  EXPECT_THAT(change(1, [](ZipEntry& entry) { entry.flags = 1; }), HasSubstr("encrypted"));
  EXPECT_THAT(change(1, [](ZipEntry& entry) { entry.crc ^= 1; }), HasSubstr("checksum"));
  EXPECT_THAT(change(1, [](ZipEntry& entry) { entry.local_name = "net/data/8"; }), HasSubstr("two names"));
  EXPECT_THAT(change(1, [](ZipEntry& entry) { entry.name = entry.local_name = "net/data/8"; }),
              HasSubstr("has no storage"));
  EXPECT_THAT(change(0, [](ZipEntry& entry) { entry.name = entry.local_name = "net/code.py"; }),
              HasSubstr("no data.pkl"));
  EXPECT_THAT(RefusalOf(BuildZip({entries[0], entries[1], entries[1]})), HasSubstr("occurs twice"));
  EXPECT_THAT(RefusalOf(BuildZip({entries[0], entries[1], {"b/data.pkl", dict}})),
              HasSubstr("more than one data.pkl"));
  EXPECT_THAT(RefusalOf(BuildZip({entries[0], entries[1], {"net/byteorder", "big"}})),
              HasSubstr("big-endian"));
}

TEST(PthReader, ReadsZip64) {
  const std::string dict = Dict(Text("w") + Tensor({}));
  const std::string file = BuildZip({{"net/data.pkl", dict}, {"net/data/7", kTwoFloats}}, /*zip64=*/true);
  EXPECT_EQ(ParsePth(file, "x.pth").at("w").bytes, kTwoFloats);
}

TEST(PthReader, OldAndNewFormatOfTheSameNetworkAgree) {
  const std::string folder = COLMATCH_SOURCE_DIR "/../shared/golden/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no golden weights in " << folder;
  const auto legacy = ReadPth(folder + "superpoint_legacy.pth"), zip = ReadPth(folder + "superpoint_zip.pth");
  ASSERT_EQ(legacy.size(), 24u);
  ASSERT_EQ(zip.size(), legacy.size());
  for (const auto& [name, tensor] : legacy) {
    EXPECT_EQ(zip.at(name).shape, tensor.shape) << name;
    EXPECT_TRUE(zip.at(name).bytes == tensor.bytes) << name;
  }
  EXPECT_EQ(ReadPth(folder + "superglue_depth3_legacy.pth").size(), 135u);
}

}  // namespace
}  // namespace colmatch
