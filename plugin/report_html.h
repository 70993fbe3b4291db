// Small pieces of HTML for the report: escaping, embedded pictures, the match graph and the match matrix as
// SVG.
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "plugin/report.h"

namespace colmatch {

// & < > " ' and control characters: safe in text and in quoted attributes.
std::string EscapeHtml(const std::string& text);

std::string Base64(const unsigned char* bytes, size_t size);

// <img> with the picture inside as a JPEG of the given quality.
std::string EmbeddedJpeg(const cv::Mat& picture, const std::string& alt, int quality = 85);

// A number with a fixed count of decimals, '.' as point whatever the locale.
std::string Fixed(double value, int decimals);

// Images on a circle, an edge per verified pair: the more inliers the thicker and darker. The strongest edges
// only where there are very many.
std::string MatchGraphSvg(const ReportData& data);

// A square per pair of images, the darker the more inliers.
std::string MatchMatrixSvg(const ReportData& data);

}  // namespace colmatch
