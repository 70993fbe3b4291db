// Features and cameras of the images that are being matched, read from the database once a block.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "database_io/colmap_database.h"
#include "network/features.h"
#include "plugin/matching/pair_writer.h"
#include "util/lru_cache.h"

namespace colmatch {

struct LoadedImage {
  // Undefined tensors where they were not asked for. Placed as the network saw the photo: turned by
  // quarter_turns from how it is stored.
  Features features;
  int quarter_turns = 0;
  VerifiedImage geometry;
};

LoadedImage MakeLoadedImage(image_t image_id, const std::shared_ptr<const Camera>& camera,
                            const KeypointsBlob& keypoints, const Descriptors& descriptors,
                            const std::vector<float>& scores, int quarter_turns);

class ImageStore {
 public:
  // Holds the images of two blocks. The database must outlive it.
  ImageStore(ColmapDatabase& database, int block_size);

  static size_t CapacityFor(int block_size) { return 2 * static_cast<size_t>(block_size) + 2; }

  // Throws UsageError where the features were not made by colmatch.
  std::shared_ptr<const LoadedImage> Get(const Image& image, bool with_descriptors);

  int64_t loads() const { return loads_; }  // from the database, so far

 private:
  LoadedImage Load(const Image& image, bool with_descriptors);

  ColmapDatabase& database_;
  LruCache<image_t, LoadedImage> images_;
  int64_t loads_ = 0;
  std::map<camera_t, std::shared_ptr<const Camera>> cameras_;
};

}  // namespace colmatch
