// Painters of the demo scene; see demo_textures.h.
#include "plugin/demo/demo_textures.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace colmatch {
namespace {

cv::Scalar Jitter(cv::Scalar bgr, double amount, cv::RNG& rng) {
  const double common = rng.gaussian(amount);
  for (int c = 0; c < 3; ++c) bgr[c] = std::clamp(bgr[c] + common + rng.gaussian(amount * 0.35), 4.0, 251.0);
  return bgr;
}

cv::Scalar VividColor(cv::RNG& rng) {
  static const cv::Scalar kColors[] = {{50, 60, 200},  {170, 110, 30}, {60, 150, 60},   {40, 170, 230},
                                       {130, 60, 130}, {200, 190, 70}, {235, 235, 235}, {45, 45, 50}};
  return Jitter(kColors[rng.uniform(0, 8)], 12, rng);
}

// Adds luminance noise, and a third of it as colour noise: no two square metres look alike.
void Mottle(DemoCanvas& canvas, double amplitude, double cell_m) {
  cv::Mat noise = FractalNoise(canvas.image.size(), cell_m * canvas.pixels_per_meter, canvas.rng) * amplitude;
  const cv::Mat tint = FractalNoise(canvas.image.size(), cell_m * canvas.pixels_per_meter, canvas.rng);
  std::vector<cv::Mat> channels(3);
  for (int c = 0; c < 3; ++c) channels[c] = noise + tint * (amplitude * 0.3 * (c - 1));
  cv::Mat sum;
  cv::merge(channels, sum);
  cv::add(canvas.image, sum, canvas.image, cv::noArray(), CV_8UC3);
}

// Chips, spots and stains: small irregular marks with sharp edges.
void Speckle(DemoCanvas& canvas, double per_square_m, double contrast) {
  cv::RNG& rng = canvas.rng;
  const int count = cvRound(per_square_m * canvas.width_m() * canvas.height_m());
  for (int i = 0; i < count; ++i) {
    const cv::Point at(rng.uniform(0, canvas.image.cols), rng.uniform(0, canvas.image.rows));
    const double radius = 0.008 + 0.03 * std::pow(rng.uniform(0.0, 1.0), 3);
    const cv::Vec3b base = canvas.image.at<cv::Vec3b>(at);
    const double shift = rng.gaussian(contrast);
    std::vector<cv::Point> corners;
    const int n = rng.uniform(3, 7);
    for (int k = 0; k < n; ++k) {
      const double angle = (k + rng.uniform(0.0, 0.8)) * 2 * CV_PI / n;
      corners.push_back(at +
                        cv::Point(canvas.Px(radius * std::cos(angle)), canvas.Px(radius * std::sin(angle))));
    }
    const cv::Scalar color(base[0] + shift, base[1] + shift, base[2] + shift);
    cv::fillConvexPoly(canvas.image, corners, color, cv::LINE_AA);
  }
}

void Cracks(DemoCanvas& canvas, int count) {
  cv::RNG& rng = canvas.rng;
  for (int i = 0; i < count; ++i) {
    cv::Point2d at(rng.uniform(0.0, canvas.width_m()), rng.uniform(0.0, canvas.height_m()));
    double heading = rng.uniform(0.0, 2 * CV_PI);
    const int steps = rng.uniform(6, 22);
    for (int k = 0; k < steps; ++k) {
      heading += rng.gaussian(0.5);
      const cv::Point2d next = at + 0.08 * cv::Point2d(std::cos(heading), std::sin(heading));
      cv::line(canvas.image, {canvas.Px(at.x), canvas.Px(at.y)}, {canvas.Px(next.x), canvas.Px(next.y)},
               cv::Scalar(70, 75, 80), 1, cv::LINE_AA);
      at = next;
    }
  }
}

void FillRect(DemoCanvas& canvas, double x, double y, double w, double h, const cv::Scalar& color) {
  cv::rectangle(
      canvas.image,
      cv::Rect(canvas.Px(x), canvas.Px(y), canvas.Px(x + w) - canvas.Px(x), canvas.Px(y + h) - canvas.Px(y)),
      color, cv::FILLED);
}

// Rows of blocks shifted against each other, every block with its own colour.
void Blocks(DemoCanvas& canvas, cv::Scalar bgr, double width, double height, double joint, double variety) {
  cv::RNG& rng = canvas.rng;
  for (double y = 0; y < canvas.height_m(); y += height) {
    double x = -rng.uniform(0.0, width);
    while (x < canvas.width_m()) {
      const double w = width * rng.uniform(0.75, 1.25);
      FillRect(canvas, x, y, w - joint, height - joint, Jitter(bgr, variety, rng));
      x += w;
    }
  }
}

void TextInBox(cv::Mat& image, const std::string& text, const cv::Rect& box, const cv::Scalar& color) {
  int baseline = 0;
  const cv::Size unit = cv::getTextSize(text, cv::FONT_HERSHEY_DUPLEX, 1.0, 1, &baseline);
  const double scale = std::min(double(box.width) / unit.width, double(box.height) / (unit.height + 2));
  if (scale <= 0) return;
  const cv::Point origin(box.x + cvRound((box.width - unit.width * scale) / 2),
                         box.y + cvRound((box.height + unit.height * scale) / 2));
  cv::putText(image, text, origin, cv::FONT_HERSHEY_DUPLEX, scale, color, std::max(1, cvRound(scale * 2.2)),
              cv::LINE_AA);
}

std::string RandomWord(cv::RNG& rng) {
  static const char* const kWords[] = {"MARKET",  "JAZZ", "OPERA",  "BIKES", "FESTIVAL", "BOOKS",  "PARALLAX",
                                       "CORNER",  "MAPS", "SUNDAY", "PIANO", "EPIPOLE",  "COFFEE", "ROTATE",
                                       "INLIERS", "TRAM", "GARDEN", "CHESS", "LENSES",   "THEATRE"};
  return kWords[rng.uniform(0, 20)];
}

void PosterShapes(DemoCanvas& canvas) {
  cv::RNG& rng = canvas.rng;
  const cv::Size size = canvas.image.size();
  for (int i = rng.uniform(5, 10); i > 0; --i) {
    const cv::Point at(rng.uniform(0, size.width), rng.uniform(0, size.height));
    const int reach = std::max(2, cvRound(size.width * rng.uniform(0.06, 0.3)));
    const int kind = rng.uniform(0, 4);
    if (kind == 0) cv::circle(canvas.image, at, reach, VividColor(rng), cv::FILLED, cv::LINE_AA);
    if (kind == 1)
      cv::rectangle(canvas.image, at, at + cv::Point(reach, reach * 2 / 3), VividColor(rng), cv::FILLED);
    if (kind == 2) {
      const std::vector<cv::Point> corners = {at, at + cv::Point(reach, rng.uniform(-reach, reach)),
                                              at + cv::Point(rng.uniform(-reach, reach), reach)};
      cv::fillConvexPoly(canvas.image, corners, VividColor(rng), cv::LINE_AA);
    }
    if (kind == 3)
      cv::ellipse(canvas.image, at, {reach, reach / 2}, rng.uniform(0, 180), 0, rng.uniform(120, 360),
                  VividColor(rng), std::max(1, reach / 6), cv::LINE_AA);
  }
}

}  // namespace

cv::Mat FractalNoise(cv::Size size, double cell_px, cv::RNG& rng) {
  cv::Mat sum = cv::Mat::zeros(size, CV_32F);
  double amplitude = 0.7;
  for (double cell = std::max(cell_px, 2.0); cell >= 1.5; cell /= 2, amplitude *= 0.62) {
    cv::Mat coarse(int(size.height / cell) + 4, int(size.width / cell) + 4, CV_32F);
    rng.fill(coarse, cv::RNG::NORMAL, 0, amplitude);
    cv::Mat fine;
    cv::resize(coarse, fine, {}, cell, cell, cv::INTER_CUBIC);
    const cv::Rect window(int(rng.uniform(0.0, cell)), int(rng.uniform(0.0, cell)), size.width, size.height);
    sum += fine(window);
  }
  return sum;
}

DemoPainter PaintBricks(cv::Scalar bgr) {
  return [bgr](DemoCanvas& canvas) {
    canvas.image.setTo(cv::Scalar(150, 160, 168));
    Blocks(canvas, bgr, 0.26, 0.085, 0.016, 17);
    Mottle(canvas, 14, 1.5);
    Speckle(canvas, 16, 34);
    Cracks(canvas, cvRound(canvas.width_m() * canvas.height_m() * 0.12));
  };
}

DemoPainter PaintPlaster(cv::Scalar bgr) {
  return [bgr](DemoCanvas& canvas) {
    canvas.image.setTo(bgr);
    Mottle(canvas, 16, 2.0);
    // Where plaster fell off, bricks show.
    cv::Mat bare = FractalNoise(canvas.image.size(), 1.2 * canvas.pixels_per_meter, canvas.rng) > 1.55;
    DemoCanvas bricks{cv::Mat(canvas.image.size(), CV_8UC3, cv::Scalar(140, 150, 160)),
                      canvas.pixels_per_meter, canvas.rng};
    Blocks(bricks, cv::Scalar(70, 90, 150), 0.26, 0.085, 0.016, 16);
    cv::Mat edge;
    cv::dilate(bare, edge, cv::getStructuringElement(cv::MORPH_ELLIPSE, {3, 3}));
    canvas.image.setTo(cv::Scalar(110, 125, 140), edge);
    bricks.image.copyTo(canvas.image, bare);
    Speckle(canvas, 16, 26);
    Cracks(canvas, cvRound(canvas.width_m() * canvas.height_m() * 0.3));
  };
}

DemoPainter PaintAshlar(cv::Scalar bgr, double block_m) {
  return [bgr, block_m](DemoCanvas& canvas) {
    canvas.image.setTo(bgr * 0.6);
    Blocks(canvas, bgr, block_m, block_m * 0.5, 0.014, 11);
    Mottle(canvas, 11, 0.8);
    Speckle(canvas, 22, 26);
  };
}

DemoPainter PaintPaving() {
  return [](DemoCanvas& canvas) {
    canvas.image.setTo(cv::Scalar(88, 96, 100));
    Blocks(canvas, cv::Scalar(146, 156, 164), 0.42, 0.28, 0.02, 15);
    Mottle(canvas, 13, 3.0);
    Speckle(canvas, 7, 30);
    Cracks(canvas, cvRound(canvas.width_m() * canvas.height_m() * 0.06));
  };
}

DemoPainter PaintRoofTiles(cv::Scalar bgr) {
  return [bgr](DemoCanvas& canvas) {
    canvas.image.setTo(bgr * 0.35);
    cv::RNG& rng = canvas.rng;
    const double pitch = 0.22, row = 0.26;
    for (double y = canvas.height_m(); y > -row; y -= row) {
      for (double x = -rng.uniform(0.0, pitch); x < canvas.width_m(); x += pitch) {
        const cv::Scalar color = Jitter(bgr, 15, rng);
        const cv::Point center(canvas.Px(x + pitch / 2), canvas.Px(y));
        FillRect(canvas, x + 0.012, y - row * 0.9, pitch - 0.024, row * 0.9, color);
        cv::ellipse(canvas.image, center, {canvas.Thick(pitch / 2 - 0.012), canvas.Thick(0.07)}, 0, 0, 180,
                    color, cv::FILLED, cv::LINE_AA);
      }
    }
    Mottle(canvas, 13, 2.0);
    Speckle(canvas, 5, 30);
  };
}

DemoPainter PaintPlanks(cv::Scalar bgr, double plank_m) {
  return [bgr, plank_m](DemoCanvas& canvas) {
    canvas.image.setTo(bgr * 0.45);
    for (double y = 0; y < canvas.height_m(); y += plank_m) {
      FillRect(canvas, 0, y, canvas.width_m(), plank_m - 0.012, Jitter(bgr, 11, canvas.rng));
    }
    Mottle(canvas, 9, 0.3);
    Speckle(canvas, 30, 26);
  };
}

DemoPainter PaintWindow() {
  return [](DemoCanvas& canvas) {
    cv::RNG& rng = canvas.rng;
    const double w = canvas.width_m(), h = canvas.height_m();
    canvas.image.setTo(Jitter(cv::Scalar(92, 70, 52), 10, rng));
    Mottle(canvas, 20, 1.2);  // a hint of what the glass mirrors
    const cv::Scalar curtain = Jitter(cv::Scalar(205, 214, 222), 14, rng);
    const double open = rng.uniform(0.12, 0.4) * w;
    for (double x = 0; x < open; x += 0.05) {
      FillRect(canvas, x, 0, 0.035, h * rng.uniform(0.85, 1.0), Jitter(curtain, 12, rng));
      FillRect(canvas, w - x - 0.035, 0, 0.035, h * rng.uniform(0.85, 1.0), Jitter(curtain, 12, rng));
    }
    const cv::Scalar vase = VividColor(rng);
    cv::ellipse(canvas.image, {canvas.Px(w * rng.uniform(0.4, 0.6)), canvas.Px(h * 0.88)},
                {canvas.Thick(0.09), canvas.Thick(0.14)}, 0, 0, 360, vase, cv::FILLED, cv::LINE_AA);
    const cv::Scalar bar(228, 232, 235);
    FillRect(canvas, w / 2 - 0.025, 0, 0.05, h, bar);
    const int rows = rng.uniform(2, 5);
    for (int r = 1; r < rows; ++r) FillRect(canvas, 0, h * r / rows - 0.018, w, 0.036, bar);
  };
}

DemoPainter PaintDoor(cv::Scalar bgr) {
  return [bgr](DemoCanvas& canvas) {
    const double w = canvas.width_m(), h = canvas.height_m();
    canvas.image.setTo(bgr);
    Mottle(canvas, 8, 0.4);
    for (int row = 0; row < 3; ++row) {
      for (int side = 0; side < 2; ++side) {
        const double x = w * (0.09 + 0.46 * side), y = h * (0.05 + 0.32 * row);
        FillRect(canvas, x, y, w * 0.36, h * 0.26, bgr * 0.55);
        FillRect(canvas, x + 0.03, y + 0.03, w * 0.36 - 0.06, h * 0.26 - 0.06,
                 row == 0 ? cv::Scalar(110, 92, 70) : Jitter(bgr * 1.15, 6, canvas.rng));
      }
    }
    cv::circle(canvas.image, {canvas.Px(w * 0.53), canvas.Px(h * 0.55)}, canvas.Thick(0.035), {60, 190, 220},
               cv::FILLED, cv::LINE_AA);
    Speckle(canvas, 30, 30);
  };
}

DemoPainter PaintRailing() {
  return [](DemoCanvas& canvas) {
    canvas.image.setTo(cv::Scalar(150, 150, 148));
    Mottle(canvas, 14, 0.5);
    const double w = canvas.width_m(), h = canvas.height_m();
    for (double x = 0.02; x < w; x += 0.12) {
      FillRect(canvas, x, 0, 0.03, h, {48, 50, 52});
      cv::circle(canvas.image, {canvas.Px(x + 0.07), canvas.Px(h * canvas.rng.uniform(0.35, 0.65))},
                 canvas.Thick(0.035), {60, 62, 66}, canvas.Thick(0.012), cv::LINE_AA);
    }
    FillRect(canvas, 0, 0, w, 0.06, {44, 46, 48});
    FillRect(canvas, 0, h - 0.05, w, 0.05, {44, 46, 48});
  };
}

DemoPainter PaintStripes(cv::Scalar bgr) {
  return [bgr](DemoCanvas& canvas) {
    canvas.image.setTo(cv::Scalar(222, 228, 232));
    for (double x = 0; x < canvas.width_m(); x += 0.4) FillRect(canvas, x, 0, 0.2, canvas.height_m(), bgr);
    Mottle(canvas, 9, 0.6);
    Speckle(canvas, 10, 26);
  };
}

DemoPainter PaintFoliage(cv::Scalar flower_bgr) {
  return [flower_bgr](DemoCanvas& canvas) {
    cv::RNG& rng = canvas.rng;
    canvas.image.setTo(cv::Scalar(28, 52, 34));
    const int count = cvRound(700 * canvas.width_m() * canvas.height_m());
    for (int i = 0; i < count; ++i) {
      const cv::Point at(rng.uniform(0, canvas.image.cols), rng.uniform(0, canvas.image.rows));
      const bool flower = i > count * 9 / 10;
      const cv::Scalar color = Jitter(flower ? flower_bgr : cv::Scalar(58, 122, 74), 24, rng);
      const cv::Size reach = flower ? cv::Size(canvas.Thick(0.028), canvas.Thick(0.028))
                                    : cv::Size(canvas.Thick(0.05), canvas.Thick(0.022));
      cv::ellipse(canvas.image, at, reach, rng.uniform(0, 180), 0, 360, color, cv::FILLED, cv::LINE_AA);
    }
  };
}

DemoPainter PaintSign(const std::string& text, cv::Scalar bgr) {
  return [text, bgr](DemoCanvas& canvas) {
    canvas.image.setTo(bgr);
    Mottle(canvas, 8, 0.5);
    const cv::Rect inner(canvas.image.cols / 16, canvas.image.rows / 5, canvas.image.cols * 7 / 8,
                         canvas.image.rows * 3 / 5);
    TextInBox(canvas.image, text, inner, {225, 235, 240});
    cv::rectangle(canvas.image, {0, 0}, {canvas.image.cols - 1, canvas.image.rows - 1}, {170, 200, 215},
                  canvas.Thick(0.03));
    Speckle(canvas, 12, 26);
  };
}

DemoPainter PaintPoster() {
  return [](DemoCanvas& canvas) {
    const cv::Size size = canvas.image.size();
    canvas.image.setTo(VividColor(canvas.rng));
    PosterShapes(canvas);
    Mottle(canvas, 7, 0.4);
    const cv::Scalar ink = canvas.rng.uniform(0, 2) ? cv::Scalar(20, 20, 24) : cv::Scalar(240, 240, 240);
    TextInBox(canvas.image, RandomWord(canvas.rng),
              {size.width / 12, size.height / 20, size.width * 5 / 6, size.height / 5}, ink);
    TextInBox(canvas.image, RandomWord(canvas.rng) + " " + std::to_string(canvas.rng.uniform(1890, 2030)),
              {size.width / 12, size.height * 5 / 6, size.width * 5 / 6, size.height / 9}, ink);
    Speckle(canvas, 25, 30);
  };
}

}  // namespace colmatch
