// Tests of cached features: exact counts, files whole, damaged and of another origin.
#include "training/data/feature_set.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr int kKeypoints = 20;
constexpr char kProvenance[] = "superpoint abc\nseed 4\n";

FeatureSetOptions Options() {
  FeatureSetOptions options;
  options.views_per_photo = 2;
  options.view_width = 64;
  options.view_height = 48;
  options.num_keypoints = kKeypoints;
  options.keypoints.keypoint_threshold = 0;
  options.scenes_per_photo = 0;
  options.seed = 4;
  return options;
}

FeatureSet Make(const std::vector<ShardPhoto>& photos, const FeatureSetOptions& options,
                int descriptor_dim = 8) {
  torch::manual_seed(1);
  SuperPoint network(SuperPointArchitecture{{4, 4, 8, 8}, 8, descriptor_dim, false});
  FeatureSet set = MakeFeatureSet(network, photos, options, nullptr);
  set.provenance = kProvenance;
  return set;
}

ShardPhoto FlatPhoto() {
  ShardPhoto photo = TexturePhoto(1);
  for (uint8_t& pixel : photo.pixels) pixel = 128;
  return photo;
}

bool Same(const FeatureSet& a, const FeatureSet& b) {
  return SameBytes(a.keypoints, b.keypoints) && SameBytes(a.scores, b.scores) &&
         SameBytes(a.descriptors, b.descriptors) && SameBytes(a.planes, b.planes) &&
         a.views_per_group == b.views_per_group && a.num_scenes == b.num_scenes &&
         a.view_width == b.view_width && a.view_height == b.view_height && a.provenance == b.provenance;
}

class FeatureSetFile : public testing::Test {
 protected:
  std::string Path() const { return (folder_.path() / "features.pt").string(); }
  TemporaryFolder folder_;
};

TEST(FeatureSet, HasTheDocumentedShapes) {
  const FeatureSet set = Make({TexturePhoto(1), TexturePhoto(2), TexturePhoto(3)}, Options());
  EXPECT_EQ(set.keypoints.sizes(), (torch::IntArrayRef{6, kKeypoints, 2}));
  EXPECT_EQ(set.scores.sizes(), (torch::IntArrayRef{6, kKeypoints}));
  EXPECT_EQ(set.descriptors.sizes(), (torch::IntArrayRef{6, 8, kKeypoints}));
  EXPECT_EQ(set.descriptors.scalar_type(), torch::kHalf);
  EXPECT_EQ(set.num_photos(), 3);
}

TEST(FeatureSet, KeypointsAreTheStrongestFirst) {
  const FeatureSet set = Make({TexturePhoto(1)}, Options());
  EXPECT_TRUE((set.scores.narrow(1, 1, kKeypoints - 1) <= set.scores.narrow(1, 0, kKeypoints - 1))
                  .all()
                  .item<bool>());
}

TEST(FeatureSet, KeypointsMoveToPeaksAsTheyDoWherePhotosAreMatched) {
  FeatureSetOptions options = Options();
  const auto whole = [](const FeatureSet& set) { return set.keypoints.equal(set.keypoints.round()); };
  options.keypoints.refinement_radius = 0;
  EXPECT_TRUE(whole(Make({TexturePhoto(1)}, options)));
  options.keypoints.refinement_radius = 4;
  EXPECT_FALSE(whole(Make({TexturePhoto(1)}, options)));
}

TEST(FeatureSet, HasExactlyItsNumberOfKeypointsEvenWhereNothingIsFound) {
  FeatureSetOptions options = Options();
  options.keypoints.keypoint_threshold = 0.99;
  const FeatureSet set = Make({FlatPhoto()}, options);
  EXPECT_EQ(set.keypoints.sizes(), (torch::IntArrayRef{2, kKeypoints, 2}));
  const auto x = set.keypoints.select(2, 0), y = set.keypoints.select(2, 1);
  EXPECT_TRUE((x.ge(4) & x.lt(60) & y.ge(4) & y.lt(44)).all().item<bool>());
  EXPECT_FALSE(SameBytes(set.keypoints[0], set.keypoints[1])) << "the places that fill up are random";
  EXPECT_TRUE(torch::isfinite(set.descriptors.to(torch::kFloat)).all().item<bool>());
}

TEST(FeatureSet, ViewsAreLookedAtAtTheScalesTheWeightsAskFor) {
  torch::manual_seed(1);
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 8, false};
  architecture.scales = {1, 0.5};
  SuperPoint network(architecture);
  const FeatureSet set = MakeFeatureSet(network, {TexturePhoto(1)}, Options(), nullptr);
  ASSERT_EQ(set.scales.sizes(), (torch::IntArrayRef{2, kKeypoints}));
  for (const double scale : {1.0, 2.0}) EXPECT_GT((set.scales == scale).sum().item<int64_t>(), 0) << scale;
  EXPECT_FALSE(Make({TexturePhoto(1)}, Options()).scales.defined());
}

TEST(FeatureSet, OnePlaceHasOneKeypointWhereTheWeightsSaySo) {
  torch::manual_seed(1);
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 8, false};
  architecture.scales = {1, 0.5};
  architecture.place_radius = 8;
  SuperPoint network(architecture);
  FeatureSetOptions options = Options();
  options.keypoints.keypoint_threshold = 0;
  const FeatureSet set = MakeFeatureSet(network, {TexturePhoto(1)}, options, nullptr);
  EXPECT_EQ(set.keypoints.sizes(), (torch::IntArrayRef{2, kKeypoints, 2})) << "filled up all the same";
  const auto strongest = set.keypoints[0].narrow(0, 0, 5);
  EXPECT_GE((torch::cdist(strongest, strongest) + 100 * torch::eye(5)).min().item<float>(), 8 - 1e-3);
}

TEST_F(FeatureSetFile, ScalesComeBack) {
  FeatureSetOptions options = Options();
  options.keypoints.scales = {1, 0.5};
  const FeatureSet set = Make({TexturePhoto(1)}, options);
  SaveFeatureSet(set, Path());
  EXPECT_TRUE(LoadFeatureSet(Path(), kProvenance).scales.equal(set.scales));
}

TEST(FeatureSet, DescriptorsAreUnitColumns) {
  const auto norms = Make({TexturePhoto(1)}, Options()).descriptors.to(torch::kFloat).norm(2, 1);
  EXPECT_LT((norms - 1).abs().max().item<double>(), 2e-3);  // float16
}

TEST(FeatureSet, EveryViewLiesInsideItsPhoto) {
  const FeatureSet set = Make({TexturePhoto(1), TexturePhoto(2)}, Options());
  for (int64_t view = 0; view < 4; ++view) {
    for (const Point2& corner : ImageCorners(64, 48)) {
      const Point2 p = set.PlanesOf(view).at(0).view_from_plane.Inverse().Apply(corner);
      EXPECT_TRUE(p.x >= -1e-6 && p.y >= -1e-6 && p.x <= 159 + 1e-6 && p.y <= 119 + 1e-6)
          << p.x << ", " << p.y;
    }
  }
}

TEST(FeatureSet, TheSameSeedGivesTheSameFeaturesAndReportsEveryGroup) {
  const FeatureSet first = Make({TexturePhoto(1)}, Options());
  EXPECT_TRUE(Same(first, Make({TexturePhoto(1)}, Options())));
  FeatureSetOptions other = Options();
  other.seed = 5;
  EXPECT_FALSE(Same(first, Make({TexturePhoto(1)}, other)));

  std::vector<int64_t> done;
  SuperPoint network(SuperPointArchitecture{{4, 4, 8, 8}, 8, 8, false});
  MakeFeatureSet(network, {TexturePhoto(1), TexturePhoto(2)}, Options(), [&](int64_t views, int64_t total) {
    EXPECT_EQ(total, 4);
    done.push_back(views);
  });
  EXPECT_EQ(done, (std::vector<int64_t>{2, 4}));
}

TEST(FeatureSet, WorkersAtOnceChangeNothing) {
  FeatureSetOptions options = Options();
  options.scenes_per_photo = 1;
  const std::vector<ShardPhoto> photos = {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3)};
  const FeatureSet one = Make(photos, options);
  options.num_workers = 4;
  EXPECT_TRUE(Same(Make(photos, options), one));
}

TEST(FeatureSet, ScenesFollowThePhotosAndEveryViewOfOneShowsTheSamePlanes) {
  FeatureSetOptions options = Options();
  options.scenes_per_photo = 1.5;
  const FeatureSet set = Make({TexturePhoto(1), TexturePhoto(2)}, options);
  EXPECT_EQ(set.num_scenes, 3);
  EXPECT_EQ(set.num_photos(), 2);
  EXPECT_EQ(set.num_groups(), 5);
  for (int64_t view = 0; view < 4; ++view) EXPECT_EQ(set.PlanesOf(view).size(), 1u) << view;
  for (int64_t view = 4; view < 10; view += 2) {
    const SceneView first = set.PlanesOf(view), second = set.PlanesOf(view + 1);
    EXPECT_GE(first.size(), 2u);
    ASSERT_EQ(first.size(), second.size());
    for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].x1, second[i].x1);
  }
}

TEST(FeatureSet, HeldOutPhotosAreInNoScene) {
  FeatureSetOptions options = Options();
  options.scenes_per_photo = 2;
  options.validation_share = 0.5;  // the second and the fourth photo
  std::vector<ShardPhoto> photos = {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3), TexturePhoto(4)};
  const FeatureSet set = Make(photos, options);
  photos[1] = photos[3] = FlatPhoto();
  const FeatureSet others = Make(photos, options);
  EXPECT_TRUE(SameBytes(set.descriptors.narrow(0, 8, 16), others.descriptors.narrow(0, 8, 16)));
  EXPECT_FALSE(SameBytes(set.descriptors.narrow(0, 0, 8), others.descriptors.narrow(0, 0, 8)));
}

TEST(MatchViews, OfAPhotoAreTheMatchesByItsHomography) {
  const FeatureSet set = Make({TexturePhoto(1), TexturePhoto(2)}, Options());
  const Homography h1_from_0 =
      set.PlanesOf(1)[0].view_from_plane * set.PlanesOf(0)[0].view_from_plane.Inverse();
  const auto expected = MatchByHomography(set.keypoints[0], set.keypoints[1], h1_from_0, {});
  const auto found = MatchViews(set, 0, 1, kKeypoints, {});
  EXPECT_TRUE(found.matches0.equal(expected.matches0));
  EXPECT_TRUE(found.matches1.equal(expected.matches1));
}

TEST_F(FeatureSetFile, ComesBackUnchanged) {
  FeatureSetOptions options = Options();
  options.scenes_per_photo = 1;
  const FeatureSet set = Make({TexturePhoto(1), FlatPhoto()}, options);
  SaveFeatureSet(set, Path());
  EXPECT_TRUE(Same(LoadFeatureSet(Path(), kProvenance), set));
}

TEST_F(FeatureSetFile, FeaturesOfAnotherOriginOrOfNoneAreAUsageErrorNamingTheFile) {
  FeatureSet set = Make({TexturePhoto(1)}, Options());
  for (const char* other : {"superpoint abc\nseed 5\n", ""}) {
    set.provenance = other;
    SaveFeatureSet(set, Path());
    try {
      LoadFeatureSet(Path(), kProvenance);
      ADD_FAILURE() << "accepted: " << other;
    } catch (const UsageError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(Path(), 0), 0u) << error.what();
    }
  }
}

// As they were written before: a bare archive that does not say its origin.
TEST_F(FeatureSetFile, AFileOfOldIsAUsageErrorNotADamagedFile) {
  const FeatureSet set = Make({TexturePhoto(1)}, Options());
  torch::serialize::OutputArchive archive;
  archive.write("keypoints", set.keypoints);
  archive.write("scores", set.scores);
  archive.write("descriptors", set.descriptors);
  archive.write("photo_from_view", torch::zeros({2, 9}));
  archive.write("sizes", torch::tensor({2, 64, 48}, torch::kLong));
  archive.save_to(Path());
  EXPECT_THROW(LoadFeatureSet(Path(), kProvenance), UsageError);
}

TEST_F(FeatureSetFile, DamagedForeignAndMissingFilesAreEnvironmentErrorsNamingThem) {
  SaveFeatureSet(Make({TexturePhoto(1)}, Options()), Path());
  const std::string whole = ReadWholeFile(Path());
  std::vector<std::string> bad = {"", "a text file", std::string(1000, '\0')};
  for (const size_t size : {size_t{1}, size_t{64}, whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    bad.push_back(whole.substr(0, size));
  }
  torch::serialize::OutputArchive archive;
  archive.write("something_else", torch::zeros({3}));
  std::ostringstream foreign;
  archive.save_to(foreign);
  bad.push_back(foreign.str());
  bad.push_back(whole);
  bad.back()[whole.size() / 2] ^= 1;
  for (const std::string& bytes : bad) {
    WriteFileAtomically(Path(), bytes);
    try {
      LoadFeatureSet(Path(), kProvenance);
      ADD_FAILURE() << bytes.size() << " bytes were accepted";
    } catch (const EnvironmentError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(Path(), 0), 0u) << error.what();
    }
  }
  EXPECT_THROW(LoadFeatureSet(Path() + ".none", kProvenance), EnvironmentError);
}

}  // namespace
}  // namespace colmatch
