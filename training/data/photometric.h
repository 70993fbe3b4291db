// Photometric augmentation: what cameras, weather and compression do to the same surface.
#pragma once

#include <optional>
#include <vector>

#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

struct PhotometricOptions {
  double strength = 1.0;  // 0: none; scales every range below

  double max_log_gamma = 0.5;    // gamma = exp(+-)
  double max_contrast = 0.4;     // gain 1 +- around the mean
  double max_brightness = 0.25;  // offset +-, of full scale
  double max_noise = 0.03;       // standard deviation, of full scale
  double max_blur_px = 1.2;      // Gaussian standard deviation
  double max_shade = 0.5;        // depth of a smooth shadow
  double blur_probability = 0.3;
  double motion_blur_probability = 0.1;
  double shade_probability = 0.3;
  double invert_probability = 0.0;
};

// What is done to one picture.
struct PhotometricChange {
  struct Shadow {
    double depth, angle, x, y,
        softness;  // a half-plane's edge through (x, y), pixels; angle of its normal, rad
  };
  struct MotionBlur {
    int length;  // pixels
    bool along_rows;
  };
  std::optional<Shadow> shadow;
  std::optional<double> blur_px;
  std::optional<MotionBlur> motion_blur;
  double gamma = 1, gain = 1, offset = 0;
  bool invert = false;
  double noise = 0;  // standard deviation
};

PhotometricChange DrawPhotometricChange(const PhotometricOptions& options, int width, int height, Rng& rng);

// The weights of a Gaussian blur, odd in number.
std::vector<float> GaussianKernel(double sigma_px);

// Changes the image in place; values stay in [0, 1]. The draws of the change, then one a pixel for the noise.
void AugmentPhotometric(FloatImage& image, const PhotometricOptions& options, Rng& rng);

}  // namespace colmatch
