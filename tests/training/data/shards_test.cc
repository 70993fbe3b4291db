// Tests of training shards: the file format, its damaged forms, and drawing photos by weight.
#include "training/data/shards.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/temporary_folder.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

ShardPhoto Photo(const std::string& name, int width, int height, int num_labels) {
  ShardPhoto photo{name, "set of " + name, 1.5f, width, height, {}, {}};
  for (int i = 0; i < width * height; ++i) photo.pixels.push_back(static_cast<uint8_t>(7 * i));
  for (int i = 0; i < num_labels; ++i)
    photo.labels.push_back({i + 0.25f, i + 0.75f, 1.0f / static_cast<float>(i + 1)});
  return photo;
}

void ExpectEqual(const ShardPhoto& a, const ShardPhoto& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.set, b.set);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.pixels, b.pixels);
  ASSERT_EQ(a.labels.size(), b.labels.size());
  for (size_t i = 0; i < a.labels.size(); ++i) EXPECT_EQ(std::memcmp(&a.labels[i], &b.labels[i], 12), 0) << i;
}

class Shards : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }
  // The bytes of a shard of two photos; the first photo's record starts at byte 12.
  std::string TwoPhotos() const {
    WriteShard(Path("two.shard"), {Photo("ab", 4, 3, 2), Photo("c", 2, 5, 0)});
    return ReadWholeFile(Path("two.shard"));
  }
  // InputError that names the file, or says what happened instead.
  std::string RefusalOf(const std::string& bytes) const {
    WriteFileAtomically(Path("bad.shard"), bytes);
    try {
      ReadShards({Path("bad.shard")});
    } catch (const InputError& error) {
      return std::string(error.what()).find(Path("bad.shard")) == 0 ? "" : error.what();
    }
    return "accepted";
  }
  TemporaryFolder folder_;
};

template <typename T>
std::string With(std::string bytes, size_t offset, T value) {
  std::memcpy(&bytes[offset], &value, sizeof(T));
  return bytes;
}

// Offsets within TwoPhotos, see shards.h: magic 8, count 4, name 2 + 2, set 2 + 9, weight 4, then:
constexpr size_t kName = 12, kWidth = kName + 4 + 11 + 4, kHeight = kWidth + 2, kNumLabels = kHeight + 2;

TEST_F(Shards, PhotosAndLabelsComeBackUnchanged) {
  const std::vector<ShardPhoto> photos = {Photo("a.jpg", 6, 4, 3), Photo("", 1, 1, 0),
                                          Photo("\xC3\xA4/b c.png", 3, 9, 40)};
  WriteShard(Path("x.shard"), photos);
  const auto read = ReadShards({Path("x.shard")});
  ASSERT_EQ(read.size(), 3u);
  for (size_t i = 0; i < 3; ++i) ExpectEqual(read[i], photos[i]);
}

TEST_F(Shards, SeveralFilesAreOneListInOrder) {
  WriteShard(Path("x.shard"), {Photo("a", 2, 2, 0), Photo("b", 2, 2, 0)});
  WriteShard(Path("y.shard"), {Photo("c", 2, 2, 0)});
  const auto read = ReadShards({Path("y.shard"), Path("x.shard")});
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].name + read[1].name + read[2].name, "cab");
}

TEST_F(Shards, TheBytesAreTheDocumentedFormat) {
  const std::string bytes = TwoPhotos();
  EXPECT_EQ(bytes.substr(0, 12), std::string("CMSHARD1\2\0\0\0", 12));
  EXPECT_EQ(bytes.substr(kName, 4), std::string("\2\0ab", 4));
  EXPECT_EQ(bytes.substr(kName + 4, 4), std::string("\x9\0se", 4));
  EXPECT_EQ(bytes.substr(kWidth, 8), std::string("\4\0\3\0\2\0\0\0", 8));
  EXPECT_EQ(bytes.substr(kNumLabels + 4, 3), std::string("\0\7\x0E", 3));
  EXPECT_EQ(bytes.size(), kNumLabels + 4 + 12 + 2 * 12 + (2 + 1 + 2 + 8 + 4 + 2 + 2 + 4 + 10));
}

TEST_F(Shards, AFileCutAnywhereIsRefusedByName) {
  const std::string bytes = TwoPhotos();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(RefusalOf(bytes.substr(0, size)), "") << size << " bytes";
}

TEST_F(Shards, OtherFilesAreRefusedByName) {
  for (const char* bytes :
       {"", "CMSHARD", "CMSHARD2\1\0\0\0", "\xFF\xD8\xFF\xE0 a photo, not a shard", "cmshard1    "}) {
    EXPECT_EQ(RefusalOf(bytes), "") << bytes;
  }
}

TEST_F(Shards, AbsurdCountsAreRefusedWithoutAllocating) {
  const std::string bytes = TwoPhotos();
  EXPECT_EQ(RefusalOf(With<uint32_t>(bytes, 8, 0xFFFFFFFF)), "") << "photos";
  EXPECT_EQ(RefusalOf(With<uint32_t>(bytes, 8, 3)), "") << "one photo too many";
  EXPECT_EQ(RefusalOf(With<uint16_t>(bytes, kName, 0xFFFF)), "") << "name";
  EXPECT_EQ(RefusalOf(With<uint32_t>(bytes, kNumLabels, 0xFFFFFFFF)), "") << "labels";
  EXPECT_EQ(RefusalOf(With<uint32_t>(bytes, kNumLabels, 0x15555556)), "")
      << "labels that overflow 32 bits of bytes";
  EXPECT_EQ(RefusalOf(With<uint32_t>(With<uint32_t>(bytes, kWidth, 0xFFFFFFFF), kNumLabels, 0)), "")
      << "size";
}

TEST_F(Shards, BytesAfterTheLastPhotoAreRefused) {
  EXPECT_EQ(RefusalOf(TwoPhotos() + '\0'), "");
  EXPECT_EQ(RefusalOf(With<uint32_t>(TwoPhotos(), 8, 1)), "") << "a photo too many";
}

TEST_F(Shards, AMissingFileIsNamed) {
  try {
    ReadShards({Path("none.shard")});
    FAIL() << "accepted";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("none.shard"), std::string::npos) << error.what();
  }
}

std::vector<ShardPhoto> Weighted(const std::vector<float>& weights) {
  std::vector<ShardPhoto> photos(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) photos[i].weight = weights[i];
  return photos;
}

TEST(PhotoSampler, ABatchHoldsNoPhotoTwiceWhileThereAreOthers) {
  const PhotoSampler sampler(Weighted({1, 1, 1, 1, 1}));
  Rng rng(2, 0, 0);
  for (int i = 0; i < 200; ++i) {
    const auto drawn = sampler.DrawDistinct(rng, 4);
    EXPECT_EQ(std::set<size_t>(drawn.begin(), drawn.end()).size(), 4u);
  }
  EXPECT_EQ(sampler.DrawDistinct(rng, 8).size(), 8u) << "more than there are photos";
}

TEST(PhotoSampler, DrawsInProportionToWeight) {
  const PhotoSampler sampler(Weighted({0, 1, 3, 0, 6, -2}));
  std::vector<int> drawn(6);
  Rng rng(1, 0, 0);
  for (int i = 0; i < 10000; ++i) ++drawn[sampler.Draw(rng)];
  EXPECT_EQ(drawn[0] + drawn[3] + drawn[5], 0);
  EXPECT_NEAR(drawn[1], 1000, 150);
  EXPECT_NEAR(drawn[2], 3000, 230);
  EXPECT_NEAR(drawn[4], 6000, 250);
}

TEST(PhotoSampler, PhotosWithoutAnyWeightAreRefused) {
  EXPECT_THROW(PhotoSampler(Weighted({})), InputError);
  EXPECT_THROW(PhotoSampler(Weighted({0, 0})), InputError);
  EXPECT_THROW(PhotoSampler(Weighted({-1})), InputError);
}

}  // namespace
}  // namespace colmatch
