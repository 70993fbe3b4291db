// Tests of a teacher's descriptors: the file format, its damaged forms, and joining them with photos.
#include "training/data/descriptor_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "util/byte_stream.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr uint16_t kHalf = 0x3800, kMinusOne = 0xBC00, kQuarter = 0x3400, kSmallest = 0x0001;

// One photo of two points with descriptors of two numbers.
std::string File(const std::string& name, int width = 100, int height = 50, uint32_t dim = 2) {
  ByteWriter out("CMTEACH1");
  out.Put(uint32_t{1});
  out.Put(dim);
  out.PutText<uint16_t>(name);
  out.Put(static_cast<uint16_t>(width));
  out.Put(static_cast<uint16_t>(height));
  out.Put(uint32_t{2});
  for (const float value : {10.5f, 20.0f, 0.75f, 99.0f, 49.0f, 0.0f}) out.Put(value);
  for (uint32_t i = 0; i < dim; ++i) out.Put(i % 2 == 0 ? kHalf : kMinusOne);
  for (uint32_t i = 0; i < dim; ++i) out.Put(i % 2 == 0 ? kQuarter : kSmallest);
  return out.bytes();
}

ShardPhoto Photo(const std::string& name, int width, int height) {
  return {name, "set", 1, width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height), {}};
}

class DescriptorTargetsFile : public testing::Test {
 protected:
  std::string Written(const std::string& bytes, const std::string& name = "a.targets") const {
    return folder_.Write(name, bytes).string();
  }
  TemporaryFolder folder_;
};

TEST_F(DescriptorTargetsFile, GivesPointsAndDescriptorsAsTheyWereWritten) {
  const auto photos = ReadDescriptorTargets({Written(File("set/a.jpg"))});
  ASSERT_EQ(photos.size(), 1u);
  EXPECT_EQ(photos[0].name, "set/a.jpg");
  ASSERT_EQ(photos[0].points.size(), 2u);
  EXPECT_EQ(photos[0].points[0].x, 10.5f);
  EXPECT_EQ(photos[0].points[0].score, 0.75f);
  EXPECT_EQ(photos[0].points[1].y, 49.0f);
  EXPECT_THAT(photos[0].Descriptor(0), ElementsAre(0.5f, -1.0f));
  EXPECT_THAT(photos[0].Descriptor(1), ElementsAre(0.25f, 0x1p-24f));
}

TEST_F(DescriptorTargetsFile, EveryFileThatIsCutOrLongerIsRefusedByName) {
  const std::string whole = File("a");
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string path = Written(whole.substr(0, length));
    EXPECT_THAT([&] { ReadDescriptorTargets({path}); }, ThrowsMessage<InputError>(HasSubstr(path))) << length;
  }
  EXPECT_THROW(ReadDescriptorTargets({Written(whole + "x")}), InputError);
  EXPECT_THROW(ReadDescriptorTargets({Written("CMSHARD1" + whole.substr(8))}), InputError);
}

TEST_F(DescriptorTargetsFile, FilesOfDifferentDescriptorSizesAreRefused) {
  const std::string two = Written(File("a"), "two"), three = Written(File("b", 100, 50, 3), "three");
  EXPECT_THAT(
      [&] {
        ReadDescriptorTargets({two, three});
      },
      ThrowsMessage<InputError>(
          testing::AllOf(HasSubstr("three"), HasSubstr("of 3 numbers"), HasSubstr("expected 2"))));
  EXPECT_THROW(ReadDescriptorTargets({Written(File("a", 100, 50, 0), "none")}), InputError);
}

TEST_F(DescriptorTargetsFile, PhotosWithoutTargetsAreLeftOutAndPointsAreInTheShardsPixels) {
  const std::vector<ShardPhoto> photos = {Photo("x", 40, 20), Photo("a", 200, 100), Photo("y", 40, 20)};
  const auto taught = WithTargets(photos, ReadDescriptorTargets({Written(File("a"))}));
  ASSERT_EQ(taught.size(), 1u);
  EXPECT_EQ(taught[0].name, "a");
  ASSERT_NE(taught[0].targets, nullptr);
  // A pixel of the teacher's photo is two of the shard's: its centre lies between them.
  EXPECT_EQ(taught[0].targets->points[0].x, 21.5f);
  EXPECT_EQ(taught[0].targets->points[0].y, 40.5f);
  EXPECT_EQ(taught[0].targets->width, 200);
}

TEST_F(DescriptorTargetsFile, PhotosOfAnotherShapeAreRefused) {
  EXPECT_THAT(
      [&] { WithTargets({Photo("a", 50, 100)}, ReadDescriptorTargets({Written(File("a"))})); },
      ThrowsMessage<InputError>(testing::AllOf(HasSubstr("a: "), HasSubstr("100x50"), HasSubstr("50x100"))));
}

TEST_F(DescriptorTargetsFile, ShardsOfOtherPhotosAreRefused) {
  EXPECT_THAT([&] { WithTargets({Photo("b", 100, 50)}, ReadDescriptorTargets({Written(File("a"))})); },
              ThrowsMessage<InputError>(HasSubstr("none of the 1 photos")));
}

}  // namespace
}  // namespace colmatch
