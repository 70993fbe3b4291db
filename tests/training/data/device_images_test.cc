// Tests of training pictures made on the device, here the CPU: what the other way gives, within rounding.
#include "training/data/device_images.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/network/tensor_near.h"
#include "tests/training/training_test_util.h"
#include "training/data/superpoint_data.h"
#include "training/data/warp.h"

namespace colmatch {
namespace {

torch::Tensor AsTensor(const FloatImage& image) {
  return torch::tensor(image.pixels).view({1, 1, image.height, image.width});
}

std::vector<ShardPhoto> Photos() { return {TexturePhoto(1), TexturePhoto(2, 161, 119)}; }

TEST(DevicePhotos, WarpsAsTheCpuDoesWithAndWithoutHalving) {
  const auto photos = Photos();
  const DevicePhotos on_device(photos, torch::kCPU);
  int halved = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const ShardPhoto& photo = photos[seed % 2];
    const FloatImage gray = GrayFromBytes(photo.pixels.data(), photo.width, photo.height);
    Rng rng(seed, 0, 0);
    const int width = seed % 3 == 0 ? 40 : 96, height = seed % 3 == 0 ? 30 : 72;
    const Homography photo_from_view = HomographyFromCorners(
        ImageCorners(width, height), SampleQuadrilateral(photo.width, photo.height, {0.4, 40, 1, 0.05}, rng));
    halved += NumHalvings(photo_from_view, photo.width, photo.height, width, height) > 0;
    EXPECT_TRUE(TensorsNear(on_device.Warp(seed % 2, photo_from_view, width, height),
                            AsTensor(WarpImage(gray, photo_from_view, width, height)), 2e-4))
        << "seed " << seed;
  }
  EXPECT_GT(halved, 0);
  EXPECT_LT(halved, 12);
}

TEST(AugmentOnDevice, ChangesAPictureAsTheCpuDoesButForTheNoise) {
  PhotometricOptions options;
  options.blur_probability = options.motion_blur_probability = options.shade_probability = 0.5;
  options.invert_probability = 0.3;
  options.max_noise = 0;
  const ShardPhoto photo = TexturePhoto(3, 60, 44);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    FloatImage image = GrayFromBytes(photo.pixels.data(), photo.width, photo.height);
    const auto before = AsTensor(image);
    Rng for_cpu(seed, 0, 0), for_device(seed, 0, 0);
    AugmentPhotometric(image, options, for_cpu);
    // The CPU looks tone up in a table of 1,025 entries.
    EXPECT_TRUE(TensorsNear(AugmentOnDevice(before, options, for_device), AsTensor(image), 4e-3))
        << "seed " << seed;
  }
}

TEST(AugmentOnDevice, NoiseHasItsDeviationAndIsAFunctionOfTheSeed) {
  PhotometricOptions options;
  options.blur_probability = options.motion_blur_probability = options.shade_probability = 0;
  options.max_log_gamma = options.max_contrast = options.max_brightness = 0;
  const auto grey = torch::full({1, 1, 80, 100}, 0.5f);
  Rng first(4, 0, 0), again(4, 0, 0), draws(4, 0, 0);
  const auto noisy = AugmentOnDevice(grey, options, first);
  const double deviation = DrawPhotometricChange(options, 100, 80, draws).noise;
  EXPECT_NEAR(noisy.std().item<double>(), deviation, 0.05 * deviation);
  EXPECT_TRUE(torch::equal(noisy, AugmentOnDevice(grey, options, again)));
}

TEST(AugmentOnDevice, StrengthZeroChangesNothing) {
  PhotometricOptions options;
  options.strength = 0;
  const auto image = torch::rand({1, 1, 8, 9});
  Rng rng(1, 0, 0);
  EXPECT_TRUE(torch::equal(AugmentOnDevice(image, options, rng), image));
}

TEST(SuperPointData, OfPicturesMadeOnTheDeviceIsThatOfTheCpu) {
  SuperPointDataOptions options;
  options.patch_width = 80;
  options.patch_height = 64;
  options.batch_size = 2;
  options.num_correspondences = 40;
  options.photometric.strength = 0;
  const auto photos = Photos();
  const DevicePhotos on_device(photos, torch::kCPU);
  const PhotoSampler sampler(photos);
  for (uint64_t step = 0; step < 4; ++step) {
    const SuperPointBatch cpu = MakeSuperPointBatch(photos, sampler, options, step, 1),
                          device = MakeSuperPointBatch(photos, sampler, options, step, 1, &on_device);
    EXPECT_TRUE(TensorsNear(device.images, cpu.images, 2e-4)) << step;
    const double same = (device.cell_labels == cpu.cell_labels).to(torch::kFloat).mean().item<double>();
    EXPECT_GT(same, 0.97) << "a peak may be another by rounding";
  }
}

}  // namespace
}  // namespace colmatch
