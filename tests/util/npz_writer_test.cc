// Tests of metrics.npz: its bytes, read back by our reader, and by NumPy where there is one.
#include "util/npz_writer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>
#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "tests/network/npz_reader.h"
#include "tests/temporary_folder.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

const std::map<std::string, std::vector<double>> kArrays = {
    {"empty", {}},
    {"loss", {4.5, -0.0, 1e-300, 1.0 / 3, std::numeric_limits<double>::infinity()}},
    {"loss_step", std::vector<double>(1000, 12.0)},
};

class NpzWriter : public testing::Test {
 protected:
  std::string Path() const { return (folder_.path() / "metrics.npz").string(); }
  TemporaryFolder folder_;
};

template <typename T>
T At(const std::string& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

TEST_F(NpzWriter, TheFirstEntryIsAStoredZipMemberHoldingAnNpyOfFormat1) {
  WriteNpz(Path(), {{"loss", {1.0, 2.0}}});
  const std::string bytes = ReadWholeFile(Path());
  EXPECT_EQ(bytes.substr(0, 4), "PK\3\4");
  EXPECT_EQ(At<uint16_t>(bytes, 8), 0) << "stored, not deflated";
  EXPECT_EQ(bytes.substr(30, 8), "loss.npy");
  const std::string npy = bytes.substr(38, At<uint32_t>(bytes, 18));
  EXPECT_EQ(npy.substr(0, 8), std::string("\x93NUMPY\1\0", 8));
  EXPECT_NE(npy.find("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"), std::string::npos);
  EXPECT_EQ((10 + At<uint16_t>(npy, 8)) % 64, 0) << "the data are aligned as the format asks";
  EXPECT_EQ(At<double>(npy, npy.size() - 8), 2.0);
  const auto* data = reinterpret_cast<const Bytef*>(npy.data());
  EXPECT_EQ(At<uint32_t>(bytes, 14), crc32(0, data, static_cast<uInt>(npy.size())));
}

TEST_F(NpzWriter, ValuesComeBackExactly) {
  WriteNpz(Path(), kArrays);
  const auto read = ReadNpz(Path());
  ASSERT_EQ(read.size(), kArrays.size());
  for (const auto& [name, values] : kArrays) {
    ASSERT_EQ(read.count(name), 1u) << name;
    const auto tensor = read.at(name);
    ASSERT_EQ(tensor.sizes(), (torch::IntArrayRef{static_cast<int64_t>(values.size())})) << name;
    if (values.empty()) continue;  // memcmp takes no null pointers
    EXPECT_EQ(std::memcmp(tensor.data_ptr<double>(), values.data(), 8 * values.size()), 0) << name;
  }
}

TEST_F(NpzWriter, TheSameMetricsGiveTheSameBytes) {
  WriteNpz(Path(), kArrays);
  const std::string first = ReadWholeFile(Path());
  WriteNpz(Path(), kArrays);
  EXPECT_EQ(ReadWholeFile(Path()), first);
}

TEST_F(NpzWriter, NoMetricsAreAFileWithoutArrays) {
  WriteNpz(Path(), {});
  EXPECT_TRUE(ReadNpz(Path()).empty());
}

TEST_F(NpzWriter, AFolderThatIsNotThereIsAnEnvironmentError) {
  EXPECT_THROW(WriteNpz((folder_.path() / "none" / "metrics.npz").string(), kArrays), EnvironmentError);
}

TEST_F(NpzWriter, NumpyReadsTheSameValues) {
  // scripts/test.sh installs NumPy beside pycolmap.
  const char* with_pycolmap = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  const std::string python = with_pycolmap ? with_pycolmap : "python3";
  if (std::system((python + " -c 'import numpy' 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << python << " has no NumPy";
  WriteNpz(Path(), kArrays);
  const auto script = folder_.Write("check.py", std::string(R"(
import numpy, sys
arrays = numpy.load(sys.argv[1])
assert sorted(arrays.files) == ['empty', 'loss', 'loss_step'], arrays.files
assert arrays['empty'].shape == (0,)
assert arrays['loss'].tolist() == [4.5, 0, 1e-300, 1 / 3, float('inf')], arrays['loss']
assert (arrays['loss_step'] == 12).all() and arrays['loss_step'].shape == (1000,)
)"));
  EXPECT_EQ(std::system((python + " " + script.string() + " " + Path()).c_str()), 0);
}

}  // namespace
}  // namespace colmatch
