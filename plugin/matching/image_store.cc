// Images in use; see image_store.h.
#include "plugin/matching/image_store.h"

#include "plugin/extraction/colmap_convert.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/runtime/trace.h"
#include "util/error.h"

namespace colmatch {

namespace {

VerifiedImage GeometryOf(image_t image_id, const std::shared_ptr<const Camera>& camera,
                         const KeypointsBlob& keypoints) {
  return {image_id, camera, std::make_shared<const std::vector<Eigen::Vector2d>>(PointsInColmap(keypoints))};
}

}  // namespace

LoadedImage MakeLoadedImage(image_t image_id, const std::shared_ptr<const Camera>& camera,
                            const KeypointsBlob& keypoints, const Descriptors& descriptors,
                            const std::vector<float>& scores, int quarter_turns) {
  const Features stored = FeaturesFromColmap(keypoints, descriptors, scores, camera->width, camera->height);
  return {AsTurned(stored, quarter_turns), quarter_turns, GeometryOf(image_id, camera, keypoints)};
}

ImageStore::ImageStore(ColmapDatabase& database, int block_size)
    : database_(database), images_(CapacityFor(block_size)) {
  for (const Camera& camera : database.Cameras())
    cameras_[camera.camera_id] = std::make_shared<Camera>(camera);
}

std::shared_ptr<const LoadedImage> ImageStore::Get(const Image& image, bool with_descriptors) {
  return images_.Get(image.image_id, [&] { return Load(image, with_descriptors); });
}

LoadedImage ImageStore::Load(const Image& image, bool with_descriptors) {
  const TraceSpan span("load");
  ++loads_;
  const KeypointsBlob keypoints = database_.ReadKeypoints(image.image_id);
  const auto camera = cameras_.at(image.camera_id);
  if (!with_descriptors) return {{}, 0, GeometryOf(image.image_id, camera, keypoints)};
  const Provenance provenance = ProvenanceOfFeatures(database_, image);
  if (!database_.HasDescriptors(image.image_id)) {
    throw UsageError(database_.path() + " has keypoints but no descriptors of " + image.name +
                     ": another program deleted them; extract the features into another database");
  }
  const Descriptors descriptors = database_.ReadDescriptors(image.image_id);
  if (descriptors.rows != keypoints.rows) {
    throw UsageError(database_.path() + " has no descriptors of " + image.name +
                     ": they were left in the shards of its plan (merge --descriptors 0); use colmatch plan "
                     "--feature_plan_path, or merge the features with them into another database");
  }
  return MakeLoadedImage(image.image_id, camera, keypoints, descriptors, provenance.scores,
                         QuarterTurnsOf(provenance.text));
}

}  // namespace colmatch
