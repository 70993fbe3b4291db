// Tests of what cached features say they were made from.
#include "training/data/feature_provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "util/error.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Origin {
  std::string superpoint_sha256 = "abc";
  std::vector<ShardPhoto> photos = {Photo("a.jpg", 64, 48), Photo("b.jpg", 32, 24)};
  FeatureSetOptions options;

  static ShardPhoto Photo(const std::string& name, int width, int height) {
    ShardPhoto photo;
    photo.name = name;
    photo.width = width;
    photo.height = height;
    return photo;
  }
  std::string Text() const { return ProvenanceOfFeatures(superpoint_sha256, photos, options); }
};

std::string RefusalOf(const std::string& found, const std::string& expected) {
  try {
    RequireProvenance("run/features.pt", found, expected);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(FeatureProvenance, IsTheSameForTheSameOriginWhateverTheLabelsAre) {
  Origin relabelled;
  relabelled.photos[0].labels.resize(5);
  relabelled.photos[0].weight = 2;
  EXPECT_EQ(relabelled.Text(), Origin().Text());
  EXPECT_EQ(RefusalOf(Origin().Text(), Origin().Text()), "accepted");
}

TEST(FeatureProvenance, EverythingThatDecidesTheFeaturesChangesItAndIsNamed) {
  const struct {
    const char* key;
    std::function<void(Origin&)> change;
  } cases[] = {
      {"superpoint", [](Origin& o) { o.superpoint_sha256 = "abd"; }},
      {"photos", [](Origin& o) { o.photos.pop_back(); }},
      {"photos", [](Origin& o) { std::swap(o.photos[0], o.photos[1]); }},
      {"photos", [](Origin& o) { o.photos[1].name = "c.jpg"; }},
      {"photos", [](Origin& o) { o.photos[1].width = 33; }},
      {"views_per_photo", [](Origin& o) { ++o.options.views_per_photo; }},
      {"view_size", [](Origin& o) { ++o.options.view_height; }},
      {"num_keypoints", [](Origin& o) { ++o.options.num_keypoints; }},
      {"keypoint_threshold", [](Origin& o) { o.options.keypoints.keypoint_threshold += 1e-4; }},
      {"nms_radius", [](Origin& o) { ++o.options.keypoints.nms_radius; }},
      {"remove_borders", [](Origin& o) { ++o.options.keypoints.remove_borders; }},
      {"refinement_radius", [](Origin& o) { ++o.options.keypoints.refinement_radius; }},
      {"place_radius", [](Origin& o) { o.options.keypoints.place_radius = 3; }},
      {"scales",
       [](Origin& o) {
         o.options.keypoints.scales = {1, 0.5};
       }},
      {"homography", [](Origin& o) { o.options.homography.difficulty += 0.01; }},
      {"photometric", [](Origin& o) { o.options.photometric.max_noise += 0.01; }},
      {"scenes", [](Origin& o) { o.options.scenes_per_photo += 0.5; }},
      {"scenes", [](Origin& o) { ++o.options.scene.max_objects; }},
      {"seed", [](Origin& o) { ++o.options.seed; }},
  };
  for (const auto& c : cases) {
    Origin other;
    c.change(other);
    EXPECT_THAT(RefusalOf(other.Text(), Origin().Text()),
                AllOf(HasSubstr(std::string(": ") + c.key + " is"), HasSubstr("run/features.pt")));
  }
}

TEST(FeatureProvenance, ARefusalSaysWhatWasFoundWhatIsExpectedAndWhatToDoAndNothingThatAgrees) {
  Origin found, expected;
  found.options.seed = 3;
  expected.options.seed = 4;
  found.options.views_per_photo = 2;
  const std::string refusal = RefusalOf(found.Text(), expected.Text());
  EXPECT_THAT(refusal, HasSubstr("seed is 3, expected 4, views_per_photo is 2, expected 4"));
  EXPECT_THAT(refusal, AllOf(HasSubstr("delete"), HasSubstr("--features"), Not(HasSubstr("superpoint"))));
}

TEST(FeatureProvenance, AFileThatDoesNotSayItsOriginIsRefused) {
  EXPECT_THAT(RefusalOf("", Origin().Text()), AllOf(HasSubstr("run/features.pt"), HasSubstr("delete")));
}

}  // namespace
}  // namespace colmatch
