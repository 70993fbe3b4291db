// The painted surfaces of the demo scene: brick, plaster, windows, posters... all drawn from a seed.
#pragma once

#include <functional>
#include <opencv2/core.hpp>
#include <string>

namespace colmatch {

// One face being painted: 8-bit BGR, first row is the upper edge. Painters think in metres.
struct DemoCanvas {
  cv::Mat image;  // CV_8UC3
  double pixels_per_meter = 100;
  cv::RNG rng;

  double width_m() const { return image.cols / pixels_per_meter; }
  double height_m() const { return image.rows / pixels_per_meter; }
  int Px(double meters) const { return cvRound(meters * pixels_per_meter); }
  // At least one pixel: for line widths and radii.
  int Thick(double meters) const { return std::max(1, Px(meters)); }
};

using DemoPainter = std::function<void(DemoCanvas&)>;

// Sum of smooth random fields, amplitude halving as frequency doubles (the 1/f of natural images).
// Returns CV_32F of `size`, standard deviation near 1; `cell_px` is the coarsest wavelength.
cv::Mat FractalNoise(cv::Size size, double cell_px, cv::RNG& rng);

DemoPainter PaintBricks(cv::Scalar bgr);
DemoPainter PaintPlaster(cv::Scalar bgr);
DemoPainter PaintAshlar(cv::Scalar bgr, double block_m);
DemoPainter PaintPaving();
DemoPainter PaintRoofTiles(cv::Scalar bgr);
DemoPainter PaintPlanks(cv::Scalar bgr, double plank_m);
DemoPainter PaintWindow();
DemoPainter PaintDoor(cv::Scalar bgr);
DemoPainter PaintRailing();
DemoPainter PaintStripes(cv::Scalar bgr);
DemoPainter PaintFoliage(cv::Scalar flower_bgr);
DemoPainter PaintSign(const std::string& text, cv::Scalar bgr);
DemoPainter PaintPoster();

}  // namespace colmatch
