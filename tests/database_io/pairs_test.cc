// Matches and two-view geometries: column order, round trips in both directions, values that are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "database_io/two_view_geometry.h"
#include "tests/database_io/database_test_util.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PairsTest : public testing::Test {
 protected:
  PairsTest() {
    database_.AddCamera(TestCamera());
    for (const char* name : {"1.jpg", "2.jpg", "3.jpg"}) {
      const image_t image_id = database_.AddImage({0, name, 1, {}});
      if (image_id < 3) database_.WriteKeypoints(image_id, TestKeypoints(image_id * 10));  // 10, 20, no row.
    }
  }
  std::string Hex(const std::string& column, const std::string& table) {
    return Connection(path_, OpenMode::kReadOnly).QueryText("SELECT hex(" + column + ") FROM " + table);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("database.db");
  ColmapDatabase database_{path_, DatabaseMode::kCreateOrOpen};
};

TEST_F(PairsTest, MatchesAreStoredWithTheSmallerImageFirst) {
  database_.WriteMatches(2, 1, {{19, 4}, {7, 9}});
  EXPECT_EQ(SqlInt64(path_, "SELECT pair_id FROM matches"), 2147483649);
  EXPECT_EQ(SqlInt64(path_, "SELECT rows * 10 + cols FROM matches"), 22);
  EXPECT_EQ(Hex("data", "matches"), "04000000130000000900000007000000");
  EXPECT_EQ(database_.ReadMatches(2, 1), (Matches{{19, 4}, {7, 9}}));
  EXPECT_EQ(database_.ReadMatches(1, 2), (Matches{{4, 19}, {9, 7}}));
  EXPECT_TRUE(database_.HasMatches(1, 2) && database_.HasMatches(2, 1));
  EXPECT_FALSE(database_.HasMatches(1, 3));
}

TEST_F(PairsTest, NoMatchesAreARow) {
  database_.WriteMatches(1, 2, {});
  database_.WriteTwoViewGeometry(1, 2, {});
  EXPECT_TRUE(database_.HasMatches(1, 2) && database_.HasTwoViewGeometry(1, 2));
  EXPECT_TRUE(database_.ReadMatches(1, 2).empty());
  EXPECT_EQ(SqlInt64(path_, "SELECT rows = 0 AND cols = 2 AND data IS NULL FROM matches"), 1);
  EXPECT_EQ(SqlInt64(path_,
                     "SELECT rows = 0 AND cols = 2 AND config = 0 AND coalesce(data, F, E, H, qvec, tvec) IS "
                     "NULL FROM two_view_geometries"),
            1);
}

TEST_F(PairsTest, GeometryRoundTripsInBothDirections) {
  const TwoViewGeometry geometry = TestGeometry(10);
  database_.WriteTwoViewGeometry(1, 2, geometry);
  const TwoViewGeometry forth = database_.ReadTwoViewGeometry(1, 2);
  EXPECT_EQ(forth.config, geometry.config);
  EXPECT_EQ(forth.inlier_matches, geometry.inlier_matches);
  EXPECT_EQ(forth.F, geometry.F);
  EXPECT_EQ(forth.E, geometry.E);
  EXPECT_EQ(forth.H, geometry.H);
  EXPECT_EQ(forth.qvec, geometry.qvec);
  EXPECT_EQ(forth.tvec, geometry.tvec);
  const TwoViewGeometry back = database_.ReadTwoViewGeometry(2, 1);
  const TwoViewGeometry expected = Inverted(geometry);
  EXPECT_EQ(back.inlier_matches, expected.inlier_matches);
  EXPECT_EQ(back.F, expected.F);
  EXPECT_EQ(back.H, expected.H);
  EXPECT_EQ(back.tvec, expected.tvec);
}

TEST_F(PairsTest, GeometryWrittenWithTheLargerImageFirstIsInverted) {
  TwoViewGeometry geometry = TestGeometry(0);
  geometry.inlier_matches = {{19, 4}};
  geometry.H = Matrix3{2, 0, 6, 0, 4, 8, 0, 0, 1};
  database_.WriteTwoViewGeometry(2, 1, geometry);
  EXPECT_EQ(Hex("data", "two_view_geometries"), "0400000013000000");
  const TwoViewGeometry stored = database_.ReadTwoViewGeometry(1, 2);
  EXPECT_EQ(stored.F, Transposed(*geometry.F));
  EXPECT_EQ(stored.E, Transposed(*geometry.E));
  EXPECT_EQ(stored.H, (Matrix3{0.5, 0, -3, 0, 0.25, -2, 0, 0, 1}));
  EXPECT_EQ(stored.qvec, (std::array<double, 4>{0.5, 0.5, -0.5, -0.5}));
  EXPECT_EQ(database_.ReadTwoViewGeometry(2, 1).inlier_matches, geometry.inlier_matches);
}

TEST_F(PairsTest, MatricesArePinnedToColmapsBytes) {
  TwoViewGeometry geometry;
  geometry.F = Matrix3{1, 2, 3, 4, 5, 6, 7, 8, 9};
  geometry.qvec = {1, 0, 0, 0};
  geometry.tvec = {0, 0, 1};
  database_.WriteTwoViewGeometry(1, 2, geometry);
  EXPECT_EQ(Hex("F", "two_view_geometries"),
            "000000000000F03F0000000000000040000000000000084000000000000010400000000000001440"
            "00000000000018400000000000001C4000000000000020400000000000002240");
  EXPECT_EQ(Hex("qvec", "two_view_geometries"), "000000000000F03F" + std::string(48, '0'));
  EXPECT_EQ(Hex("tvec", "two_view_geometries"), std::string(32, '0') + "000000000000F03F");
}

TEST_F(PairsTest, ZerosOfColmap38ReadAsNotComputed) {
  Sql(path_,
      "INSERT INTO two_view_geometries VALUES (2147483649, 0, 2, NULL, 2, zeroblob(72), zeroblob(72), "
      "zeroblob(72), zeroblob(32), zeroblob(24))");
  const TwoViewGeometry geometry = database_.ReadTwoViewGeometry(1, 2);
  EXPECT_FALSE(geometry.F || geometry.E || geometry.H || geometry.qvec || geometry.tvec);
  EXPECT_EQ(geometry.config, TwoViewConfig::kCalibrated);
}

TEST_F(PairsTest, APureRotationKeepsItsZeroTranslation) {
  TwoViewGeometry geometry;
  geometry.qvec = {1, 0, 0, 0};
  geometry.tvec = {0, 0, 0};
  database_.WriteTwoViewGeometry(1, 2, geometry);
  EXPECT_EQ(database_.ReadTwoViewGeometry(1, 2).tvec, geometry.tvec);
}

TEST_F(PairsTest, APairIsWrittenOnce) {
  database_.WriteMatches(1, 2, TestMatches(5));
  database_.WriteTwoViewGeometry(1, 2, TestGeometry(5));
  EXPECT_THAT(MessageOf<InputError>([&] { database_.WriteMatches(2, 1, {}); }),
              AllOf(HasSubstr("pair (2, 1)"), HasSubstr("already")));
  EXPECT_THROW(database_.WriteTwoViewGeometry(2, 1, {}), InputError);
  EXPECT_EQ(database_.ReadMatches(1, 2).size(), 5u);
  database_.DeleteTwoViewGeometry(2, 1);
  EXPECT_TRUE(database_.HasMatches(1, 2));
  EXPECT_FALSE(database_.HasTwoViewGeometry(1, 2));
  database_.WriteTwoViewGeometry(1, 2, {});
  database_.WritePairProvenance(1, 2, "p", {});
  database_.DeletePair(2, 1);
  EXPECT_FALSE(database_.HasMatches(1, 2) || database_.HasTwoViewGeometry(1, 2));
  EXPECT_FALSE(database_.ReadPairProvenance(1, 2).has_value());
}

TEST_F(PairsTest, PairsThatCannotBeAreRefused) {
  for (const auto& [a, b] :
       std::vector<std::pair<image_t, image_t>>{{1, 1}, {0, 1}, {1, 2147483647u}, {1, 99}}) {
    EXPECT_THROW(database_.WriteMatches(a, b, {}), InputError) << a << ' ' << b;
    EXPECT_THROW(database_.WriteTwoViewGeometry(a, b, {}), InputError) << a << ' ' << b;
    EXPECT_THROW(database_.ReadMatches(a, b), InputError) << a << ' ' << b;
  }
  EXPECT_EQ(database_.Counts().matched_pairs + database_.Counts().two_view_geometries, 0);
}

TEST_F(PairsTest, MatchesOfKeypointsThatAreNotThereAreRefused) {
  EXPECT_NO_THROW(database_.WriteMatches(1, 3, {{9, 1000000}}));  // Image 3 has no keypoints row yet.
  EXPECT_THAT(MessageOf<InputError>([&] {
                database_.WriteMatches(1, 2, {{0, 0}, {10, 0}});
              }),
              AllOf(HasSubstr("keypoint 10 of image 1"), HasSubstr("10 keypoints")));
  EXPECT_THAT(MessageOf<InputError>([&] { database_.WriteMatches(2, 1, {{0, 10}}); }), HasSubstr("image 1"));
  EXPECT_THROW(database_.WriteMatches(1, 2, {{0, 4294967295u}}), InputError);
  TwoViewGeometry geometry;
  geometry.inlier_matches = {{0, 20}};
  EXPECT_THROW(database_.WriteTwoViewGeometry(1, 2, geometry), InputError);
  EXPECT_EQ(database_.Counts().matched_pairs, 1);
  EXPECT_EQ(database_.Counts().two_view_geometries, 0);
}

TEST_F(PairsTest, GeometryThatIsNoGeometryIsRefused) {
  std::vector<TwoViewGeometry> bad(6, TestGeometry(3));
  (*bad[0].F)[4] = std::nan("");
  bad[1].qvec = {2, 0, 0, 0};
  bad[2].tvec.reset();
  bad[3].qvec.reset();
  bad[4].config = static_cast<TwoViewConfig>(10);
  (*bad[5].tvec)[0] = HUGE_VAL;
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_THROW(database_.WriteTwoViewGeometry(1, 2, bad[i]), InputError) << i;
  }
  TwoViewGeometry singular = TestGeometry(3);
  singular.H = Matrix3{};
  EXPECT_THROW(database_.WriteTwoViewGeometry(2, 1, singular), InputError);
  EXPECT_EQ(database_.Counts().two_view_geometries, 0);
}

TEST_F(PairsTest, ProvenanceKeepsOneConfidencePerMatchInTheirOrder) {
  EXPECT_THROW(database_.WritePairProvenance(1, 2, "p", {}), InputError);  // No matches row yet.
  database_.WriteMatches(2, 1, {{19, 4}, {7, 9}});
  EXPECT_THROW(database_.WritePairProvenance(1, 2, "p", {0.5F}), InputError);
  database_.WritePairProvenance(2, 1, "superglue abc", {0.25F, 0.75F});
  const auto provenance = database_.ReadPairProvenance(1, 2);
  ASSERT_TRUE(provenance.has_value());
  EXPECT_EQ(provenance->text, "superglue abc");
  EXPECT_EQ(provenance->scores, (std::vector<float>{0.25F, 0.75F}));
}

TEST_F(PairsTest, AllMatchedPairsComeInPairIdOrder) {
  database_.WriteMatches(3, 2, {});
  database_.WriteMatches(3, 1, {});
  database_.WriteMatches(1, 2, {});
  EXPECT_EQ(database_.AllMatchedPairs(), (std::vector<std::pair<image_t, image_t>>{{1, 2}, {1, 3}, {2, 3}}));
}

// COLMAP 3.8 inverts the geometry of a pair given the other way round, zeros that mean "not computed" too.
TEST_F(PairsTest, AMatrixOfZerosOrOfNothingButNaNIsNone) {
  TwoViewGeometry geometry = TestGeometry(10);
  geometry.qvec.reset();
  geometry.tvec.reset();
  database_.WriteTwoViewGeometry(1, 2, geometry);
  const auto set_h = [&](double first, double others) {
    std::vector<double> values(9, others);
    values[0] = first;
    Connection connection(path_, OpenMode::kReadWrite);
    Statement statement(connection, "UPDATE two_view_geometries SET H = ?1");
    statement.BindBlob(1, EncodeDoubles(values.data(), 9)).Run();
  };
  const double nan = std::nan("");
  for (const double value : {0.0, nan}) {
    set_h(value, value);
    EXPECT_FALSE(database_.ReadTwoViewGeometry(1, 2).H.has_value());
    EXPECT_TRUE(database_.ReadTwoViewGeometry(2, 1).F.has_value());
  }
  set_h(nan, 1);
  EXPECT_THROW(database_.ReadTwoViewGeometry(1, 2), InputError);
}

}  // namespace
}  // namespace colmatch
