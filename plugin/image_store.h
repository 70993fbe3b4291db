// Features and cameras of the images that are being matched, read from the database once a block.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "database_io/colmap_database.h"
#include "network/features.h"
#include "plugin/lru_cache.h"
#include "plugin/pair_writer.h"

namespace colmatch {

struct LoadedImage {
  Features features;  // undefined tensors where they were not asked for
  VerifiedImage geometry;
};

LoadedImage MakeLoadedImage(image_t image_id, const std::shared_ptr<const Camera>& camera,
                            const KeypointsBlob& keypoints, const Descriptors& descriptors,
                            const std::vector<float>& scores);

class ImageStore {
 public:
  // Holds the images of two blocks. The database must outlive it.
  ImageStore(ColmapDatabase& database, int block_size);

  // Throws UsageError where the features were not made by colmatch.
  std::shared_ptr<const LoadedImage> Get(const Image& image, bool with_descriptors);

 private:
  LoadedImage Load(const Image& image, bool with_descriptors);

  ColmapDatabase& database_;
  LruCache<image_t, LoadedImage> images_;
  std::map<camera_t, std::shared_ptr<const Camera>> cameras_;
};

}  // namespace colmatch
