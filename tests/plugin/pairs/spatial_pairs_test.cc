// Nearest photos against brute force, positions in every dialect.
#include "plugin/pairs/spatial_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <random>
#include <set>

#include "tests/database_io/colmap_schemas.h"
#include "tests/database_io/database_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

SpatialOptions Options(int max, int min, double distance) {
  SpatialOptions options;
  options.max_num_neighbors = max;
  options.min_num_neighbors = min;
  options.max_distance = distance;
  return options;
}

// Straight from the definition: sort all others, cut.
std::vector<ImagePair> ByBruteForce(const std::vector<Eigen::Vector3d>& positions,
                                    const SpatialOptions& options) {
  std::vector<ImagePair> pairs;
  for (size_t i = 0; i < positions.size(); ++i) {
    std::vector<std::pair<double, size_t>> others;
    for (size_t j = 0; j < positions.size(); ++j) {
      if (j != i) others.emplace_back((positions[j] - positions[i]).squaredNorm(), j);
    }
    std::sort(others.begin(), others.end());
    for (size_t k = 0; k < others.size() && k < static_cast<size_t>(options.max_num_neighbors); ++k) {
      if (others[k].first > options.max_distance * options.max_distance &&
          k >= static_cast<size_t>(options.min_num_neighbors))
        break;
      pairs.emplace_back(i, others[k].second);
    }
  }
  return pairs;
}

TEST(NearestPairs, AreThoseOfBruteForceWithEqualDistancesToo) {
  std::mt19937 rng(5);
  for (const int n : {0, 1, 2, 3, 60}) {
    for (const bool on_grid : {false, true}) {  // a grid has many equal distances, and equal places
      std::vector<Eigen::Vector3d> positions;
      for (int i = 0; i < n; ++i) {
        const auto next = [&] { return on_grid ? double(rng() % 4) : double(rng() % 100000) * 4e-5; };
        positions.emplace_back(next(), next(), 0);
      }
      for (const auto& options : {Options(3, 0, 1.0), Options(5, 4, 0.1), Options(100, 0, 2.0),
                                  Options(2, 2, 0.0), Options(100, 100, 0.5)}) {
        EXPECT_EQ(NearestPairs(positions, options), ByBruteForce(positions, options))
            << n << " images, at most " << options.max_num_neighbors;
      }
    }
  }
}

TEST(SpatialOptions, ThatLeaveNoPairsOrContradictAreRefused) {
  EXPECT_THROW(Options(0, 0, 1).Validate(), UsageError);
  EXPECT_THROW(Options(5, 6, 1).Validate(), UsageError);
  EXPECT_THROW(Options(5, -1, 1).Validate(), UsageError);
  EXPECT_THROW(Options(5, 0, -1).Validate(), UsageError);
  EXPECT_THROW(Options(5, 0, kNaN).Validate(), UsageError);
  EXPECT_THROW(Options(5, 0, 0).Validate(), UsageError);
  EXPECT_NO_THROW(Options(5, 1, 0).Validate());
}

TEST(Ecef, HasTheEllipsoidsAxesAndKnownPoints) {
  EXPECT_LT((EcefFromWgs84(0, 0, 0) - Eigen::Vector3d(6378137, 0, 0)).norm(), 1e-6);
  EXPECT_LT((EcefFromWgs84(0, 90, 10) - Eigen::Vector3d(0, 6378147, 0)).norm(), 1e-6);
  EXPECT_LT((EcefFromWgs84(90, 0, 0) - Eigen::Vector3d(0, 0, 6356752.314245179)).norm(), 1e-6);
  // From COLMAP's own test of its GPSTransform (gps_test.cc).
  EXPECT_LT((EcefFromWgs84(48 + 8. / 60 + 51.70361 / 3600, 11 + 34. / 60 + 10.51777 / 3600, 561.1851) -
             Eigen::Vector3d(4.177239709042750e6, 0.855153779923415e6, 4.728267404769168e6))
                .norm(),
            0.01);
}

// A database of one COLMAP with `n` images and one camera.
class Positions : public testing::Test {
 protected:
  ColmapDatabase& Make(const char* schema, int n) {
    path_ = folder_.File(std::to_string(++count_) + ".db");
    if (schema != nullptr) Sql(path_, schema);
    database_ = std::make_unique<ColmapDatabase>(path_, DatabaseMode::kCreateOrOpen);
    database_->AddCamera(TestCamera());
    for (int i = 0; i < n; ++i) database_->AddImage({0, std::to_string(i) + ".jpg", 1, {}});
    return *database_;
  }
  static std::string Blob(double x, double y, double z) {
    const double values[] = {x, y, z};
    std::string hex;
    for (const char c : EncodeDoubles(values, 3)) {
      char text[3];
      std::snprintf(text, sizeof(text), "%02x", static_cast<unsigned char>(c));
      hex += text;
    }
    return "x'" + hex + "'";
  }
  // As COLMAP 4 keeps it.
  void AddPosePrior(int image_id, const std::string& position, int system) {
    Sql(path_,
        "INSERT INTO pose_priors (corr_data_id, corr_sensor_id, corr_sensor_type, position, "
        "coordinate_system) VALUES (" +
            std::to_string(image_id) + ", 1, 0, " + position + ", " + std::to_string(system) + ")");
  }
  std::set<ImagePair> Pairs(ColmapDatabase& database, const SpatialOptions& options = {}) {
    without_.clear();
    const auto pairs = SpatialPairs(database, database.Images(), options, without_);
    std::set<ImagePair> unique;
    for (const auto& [i, j] : pairs) unique.insert(std::minmax(i, j));
    return unique;
  }

  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<ColmapDatabase> database_;
  int count_ = 0;
  std::vector<ImageWithoutPosition> without_;
};

TEST_F(Positions, AreFoundInEveryDialect) {
  for (const char* schema :
       {static_cast<const char*>(nullptr), kColmap38, kColmap310, kColmap313, kColmap42}) {
    ColmapDatabase& database = Make(schema, 0);
    // 0.001 degrees of latitude are 111 m.
    for (const double latitude : {48.0, 48.0005, 48.002, 48.0024}) {
      database.AddImage({0, std::to_string(latitude), 1, GeoPosition{latitude, 11, 500}});
    }
    database.AddImage({0, "no_gps", 1, {}});
    EXPECT_THAT(Pairs(database), UnorderedElementsAre(ImagePair(0, 1), ImagePair(2, 3)));
    ASSERT_EQ(without_.size(), 1u);
    EXPECT_EQ(without_[0].name, "no_gps");
    EXPECT_EQ(database.ReadPositionPrior(1)->position, (std::array<double, 3>{48.0, 11, 500}));
  }
}

TEST_F(Positions, MayBeCartesianInAFileOfColmap4) {
  ColmapDatabase& database = Make(kColmap42, 3);
  AddPosePrior(1, Blob(0, 0, 0), 1);  // the origin is a place
  AddPosePrior(2, Blob(0, 60, 900), 1);
  AddPosePrior(3, Blob(0, 90, 0), -1);  // COLMAP 4 takes "undefined" as cartesian
  EXPECT_THAT(Pairs(database, Options(50, 0, 70)), UnorderedElementsAre(ImagePair(0, 1), ImagePair(1, 2)));
  SpatialOptions with_z = Options(50, 0, 95);
  with_z.ignore_z = false;
  EXPECT_THAT(Pairs(database, with_z), UnorderedElementsAre(ImagePair(0, 2)));
  EXPECT_EQ(database.FindImage("1.jpg")->prior_position, std::nullopt) << "not taken for GPS";
}

TEST_F(Positions, MayLackTheAltitudeWhereItIsIgnored) {
  ColmapDatabase& database = Make(kColmap42, 2);
  AddPosePrior(1, Blob(48, 11, kNaN), 0);
  AddPosePrior(2, Blob(48.0001, 11, 100), 0);
  EXPECT_THAT(Pairs(database), ElementsAre(ImagePair(0, 1)));
  SpatialOptions with_z;
  with_z.ignore_z = false;
  EXPECT_THAT(Pairs(database, with_z), IsEmpty());
  ASSERT_EQ(without_.size(), 1u);
  EXPECT_THAT(without_[0].reason, HasSubstr("without altitude"));
}

TEST_F(Positions, OfGravityAloneAreNoneAndThe38ColumnsAreAsked) {
  ColmapDatabase& database = Make(nullptr, 0);
  database.AddImage({0, "a", 1, GeoPosition{48, 11, 5}});
  Sql(path_,
      "DROP TABLE pose_priors; CREATE TABLE pose_priors (pose_prior_id INTEGER PRIMARY KEY NOT NULL, "
      "corr_data_id INTEGER NOT "
      "NULL, corr_sensor_id INTEGER NOT NULL, corr_sensor_type INTEGER NOT NULL, position BLOB, "
      "position_covariance BLOB, gravity BLOB, coordinate_system INTEGER NOT NULL)");
  AddPosePrior(1, Blob(kNaN, kNaN, kNaN), -1);
  ColmapDatabase again(path_, DatabaseMode::kReadOnly);
  EXPECT_EQ(again.ReadPositionPrior(1)->position[1], 11);
}

TEST_F(Positions, OfColmap38AreMetresWhereTheUserSaysSo) {
  ColmapDatabase& database = Make(kColmap38, 0);
  for (const double x : {1000.0, 1050.0, 2000.0})
    database.AddImage({0, std::to_string(x), 1, GeoPosition{x, 10, 0}});
  EXPECT_THAT(MessageOf<InputError>([&] { Pairs(database); }), HasSubstr("is_gps 0"));
  SpatialOptions metres;
  metres.is_gps = false;
  EXPECT_THAT(Pairs(database, metres), ElementsAre(ImagePair(0, 1)));
}

TEST_F(Positions, OfZerosInColmap38AreNone) {
  ColmapDatabase& database = Make(kColmap38, 0);
  database.AddImage({0, "a", 1, GeoPosition{0, 0, 0}});
  database.AddImage({0, "b", 1, GeoPosition{48, 11, 0}});
  EXPECT_THAT(Pairs(database), IsEmpty());
  ASSERT_EQ(without_.size(), 1u);
  EXPECT_EQ(without_[0].name, "a");
}

TEST_F(Positions, OfNoImageOrOfTwoKindsAreAnErrorThatSaysWhatToDo) {
  ColmapDatabase& none = Make(kColmap42, 2);
  EXPECT_THAT(MessageOf<InputError>([&] { Pairs(none); }), HasSubstr("sequential_matcher"));
  AddPosePrior(1, Blob(48, 11, 0), 0);
  AddPosePrior(2, Blob(48, 11, 0), 1);
  EXPECT_THAT(MessageOf<InputError>([&] { Pairs(none); }), HasSubstr("cannot be compared"));
  ColmapDatabase& empty = Make(kColmap42, 0);
  EXPECT_THAT(Pairs(empty), IsEmpty());
}

}  // namespace
}  // namespace colmatch
