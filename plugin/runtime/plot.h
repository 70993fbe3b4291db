// Curves as PNG, drawn by gnuplot.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

struct Curve {
  std::string label;
  std::vector<double> x, y;  // of one length
};

// Writes png_path and, beside it, the data and the gnuplot script it was made from (.dat, .gp), so that a
// person can change the picture. Without gnuplot on PATH only these two are written; returns whether the
// picture was made. Throws EnvironmentError if nothing can be written.
bool PlotCurves(const std::string& png_path, const std::string& title, const std::string& x_label,
                const std::vector<Curve>& curves);

}  // namespace colmatch
