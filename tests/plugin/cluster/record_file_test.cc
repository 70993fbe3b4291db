// Record files: whole or not there, and no damage goes unnoticed.
#include "plugin/cluster/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "plugin/extraction/cluster_records.h"
#include "tests/temporary_folder.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

using testing::ElementsAre;

std::vector<std::string> AllOf(const std::string& path) {
  RecordReader reader(path);
  std::vector<std::string> records;
  for (std::string record; reader.Next(record);) records.push_back(record);
  return records;
}

std::string WriteThree(const TemporaryFolder& folder) {
  const std::string path = folder.File("x.cmr");
  RecordWriter writer(path, "a header");
  for (const char* record : {"one", "", "three"}) writer.Append(record);
  writer.Close();
  return path;
}

TEST(RecordFile, GivesBackItsHeaderAndRecordsInOrderAndByPlace) {
  TemporaryFolder folder;
  const std::string path = WriteThree(folder);
  EXPECT_THAT(AllOf(path), ElementsAre("one", "", "three"));
  RecordReader reader(path);
  EXPECT_EQ(reader.header(), "a header");
  EXPECT_EQ(reader.num_records(), 3u);
  std::vector<RecordPlace> places;
  std::string start;
  for (RecordPlace place; reader.Peek(2, start, place);) places.push_back(place);
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(start, "th");
  EXPECT_EQ(reader.At(places[2]), "three");
  EXPECT_EQ(reader.At(places[0]), "one");
  EXPECT_THROW(reader.At({places[0].offset + 1, 3}), InputError);
}

// docs/cluster_files.md has these bytes.
TEST(RecordFile, LooksAsDocumented) {
  TemporaryFolder folder;
  RecordWriter writer(folder.File("x.cmr"), "h");
  writer.Append("ab");
  writer.Close();
  const std::string expected(
      "CMRECRD1\1\0\0\0h\xE7\x06\x6B\x91\2\0\0\0\x6D\x48\x83\x9E"
      "ab\xFF\xFF\xFF\xFF\xF7\xDF\x88\xA9\1\0\0\0\0\0\0\0",
      43);
  EXPECT_EQ(ReadWholeFile(folder.File("x.cmr")), expected);
}

TEST(RecordFile, WithoutRecordsIsAFileTooAndTheEndIsReachedAsOftenAsAsked) {
  TemporaryFolder folder;
  RecordWriter writer(folder.File("empty.cmr"), "");
  writer.Close();
  RecordReader reader(folder.File("empty.cmr"));
  std::string record;
  EXPECT_FALSE(reader.Next(record));
  EXPECT_FALSE(reader.Next(record));
}

TEST(RecordFile, IsRefusedWhereverItIsCutOff) {
  TemporaryFolder folder;
  const std::string bytes = ReadWholeFile(WriteThree(folder));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = folder.Write("cut.cmr", bytes.substr(0, size));
    EXPECT_THROW(AllOf(cut), InputError) << size;
  }
}

TEST(RecordFile, OneWrongBitAnywhereIsNoticed) {
  TemporaryFolder folder;
  const std::string bytes = ReadWholeFile(WriteThree(folder));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_THROW(AllOf(folder.Write("damaged.cmr", damaged)), InputError) << i;
  }
}

TEST(RecordFile, LeftUnfinishedLeavesNothingAndTheOldOneStays) {
  TemporaryFolder folder;
  const std::string path = WriteThree(folder);
  {
    RecordWriter writer(path, "another");
    writer.Append("half");
  }
  EXPECT_THAT(AllOf(path), ElementsAre("one", "", "three"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("x.cmr"));
}

TEST(RecordFile, AMissingFolderIsNamed) {
  EXPECT_THROW(RecordWriter("/no/such/folder/x.cmr", ""), EnvironmentError);
  EXPECT_THROW(RecordReader("/no/such/folder/x.cmr"), EnvironmentError);
}

FeatureRecord SomeFeatures() {
  FeatureRecord record;
  record.name = "sub/ü 1.jpg";
  record.exif.make = "maker";
  record.exif.focal_length_mm = 4.25;
  record.exif.orientation = 6;
  record.width = 640;
  record.height = 480;
  record.keypoints.rows = 2;
  record.keypoints.xy = {0.5f, 1.5f, 639.5f, 479.5f};
  record.descriptors.rows = 2;
  record.descriptors.dim = 3;
  record.descriptors.values = {1, 0, 0, 0, 0.6f, 0.8f};
  record.scores = {0.9f, 0.1f};
  return record;
}

TEST(FeatureRecord, ComesBackAsItWas) {
  const FeatureRecord in = SomeFeatures();
  const std::string bytes = EncodeFeatures(in);
  const FeatureRecord out = DecodeFeatures(bytes, "x");
  EXPECT_EQ(out.name, in.name);
  EXPECT_EQ(out.exif.make, in.exif.make);
  EXPECT_EQ(out.exif.model, std::nullopt);
  EXPECT_EQ(out.exif.focal_length_mm, 4.25);
  EXPECT_EQ(out.exif.orientation, 6);
  EXPECT_EQ(out.width, 640);
  EXPECT_EQ(out.height, 480);
  EXPECT_EQ(out.keypoints.xy, in.keypoints.xy);
  EXPECT_EQ(out.descriptors.values, in.descriptors.values);
  EXPECT_EQ(out.descriptors.dim, 3);
  EXPECT_EQ(out.scores, in.scores);
  EXPECT_EQ(NameOfFeatures(bytes.substr(0, 4 + in.name.size()), "x"), in.name);
}

TEST(FeatureRecord, ThatEndsEarlyOrContradictsItselfIsRefused) {
  const std::string bytes = EncodeFeatures(SomeFeatures());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(DecodeFeatures(bytes.substr(0, size), "x"), InputError) << size;
  EXPECT_THROW(DecodeFeatures(bytes + "x", "x"), InputError);
  FeatureRecord odd = SomeFeatures();
  odd.scores.pop_back();
  EXPECT_THROW(DecodeFeatures(EncodeFeatures(odd), "x"), InputError);
}

TEST(PairRecord, ComesBackAsItWasWithAndWithoutGeometry) {
  PairRecord in;
  in.image_id1 = 3;
  in.image_id2 = 2147483646;
  in.matches = {{4, 19}, {5, 7}};
  in.confidences = {0.25f, 1.f};
  in.geometry.config = TwoViewConfig::kCalibrated;
  in.geometry.inlier_matches = {{5, 7}};
  in.geometry.E = Matrix3{1, 2, 3, 4, 5, 6, 7, 8, 9};
  in.geometry.qvec = {1, 0, 0, 0};
  in.geometry.tvec = {0, 0, 1};
  const std::string bytes = EncodePair(in);
  const PairRecord out = DecodePair(bytes, "x");
  EXPECT_EQ(out.image_id1, 3u);
  EXPECT_EQ(out.image_id2, 2147483646u);
  EXPECT_EQ(out.matches, in.matches);
  EXPECT_EQ(out.confidences, in.confidences);
  EXPECT_EQ(out.geometry.config, TwoViewConfig::kCalibrated);
  EXPECT_EQ(out.geometry.inlier_matches, in.geometry.inlier_matches);
  EXPECT_EQ(out.geometry.F, std::nullopt);
  EXPECT_EQ(out.geometry.E, in.geometry.E);
  EXPECT_EQ(out.geometry.tvec, in.geometry.tvec);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(DecodePair(bytes.substr(0, size), "x"), InputError) << size;
  EXPECT_TRUE(DecodePair(EncodePair({}), "x").matches.empty());
}

}  // namespace
}  // namespace colmatch
