// What another camera, another hour and another weather do to a picture, far stronger than photometric.h:
// response curves, haze, night, motion blur in any direction, loss of resolution, JPEG compression.
#pragma once

#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

struct CameraChangeOptions {
  double probability = 0;  // of a picture to be changed at all; 0 draws nothing
  // Each of the changes of a changed picture.
  double response_probability = 0.7;
  double max_log_response = 0.9;  // exponent exp(+-) of an S-shaped curve; below 1 it flattens the middle
  double haze_probability = 0.25;
  double max_haze = 0.75;  // share of the light that haze replaces, at the picture's upper or lower edge
  double night_probability = 0.25;
  double min_exposure = 0.08;     // of the light that is left at night
  double max_night_noise = 0.05;  // standard deviation, of full scale
  double motion_probability = 0.2;
  double max_motion_px = 9;
  double resolution_probability = 0.2;
  double max_reduction = 2.5;  // factor by which a picture is made smaller, and larger again
  double compression_probability = 0.5;
  double min_quality = 12, max_quality = 90;  // JPEG's
};

// Changes the picture in place; values stay in [0, 1].
void ChangeCamera(FloatImage& image, const CameraChangeOptions& options, Rng& rng);

// The loss of JPEG's luminance at a quality in [1, 100] (Annex K's table, scaled as libjpeg does): blocks of
// 8 x 8 are transformed, their coefficients rounded, and transformed back. Pixels right of and below the last
// whole block stay.
void CompressBlocks(FloatImage& image, double quality);

}  // namespace colmatch
