// Warps of photos; see warped_pairs.h.
#include "plugin/experiments/warped_pairs.h"

#include "plugin/photos/image_reader.h"
#include "training/data/photometric.h"
#include "training/data/warp.h"

namespace colmatch {

WarpedPair MakeWarpedPair(const std::filesystem::path& path, double difficulty, uint64_t seed, size_t index) {
  const cv::Mat gray = ReadGrayImage(path).gray;
  const FloatImage photo = GrayFromBytes(gray.data, gray.cols, gray.rows);
  HomographyOptions warp;
  warp.difficulty = difficulty;
  Rng rng(seed, 0xE7A1, index);
  WarpedPair pair;
  Homography photo_from_view[2];
  for (int v = 0; v < 2; ++v) {
    const auto corners = SampleQuadrilateral(photo.width, photo.height, warp, rng);
    photo_from_view[v] =
        HomographyFromCorners(ImageCorners(kWarpedPairSize.width, kWarpedPairSize.height), corners);
    FloatImage view = WarpImage(photo, photo_from_view[v], kWarpedPairSize.width, kWarpedPairSize.height);
    AugmentPhotometric(view, PhotometricOptions{}, rng);
    pair.pixels[v] = cv::Mat(kWarpedPairSize, CV_32F, view.pixels.data()).clone();
  }
  pair.h1_from_0 = photo_from_view[1].Inverse() * photo_from_view[0];
  return pair;
}

}  // namespace colmatch
