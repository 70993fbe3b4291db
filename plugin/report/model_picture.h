// Still pictures of a model: for the report, for those who read report.json, and for a terminal.
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "plugin/report/model_view.h"

namespace colmatch {

// CV_8UC3 BGR, dark background: the points in their colours and the cameras as blue pyramids, from view.eye.
cv::Mat DrawModel(const ModelView& view, cv::Size size);

// The same in columns x rows characters of two pixels each, in colours of 24 bits, for a terminal of UTF-8.
std::string ModelForTerminal(const ModelView& view, int columns, int rows);

}  // namespace colmatch
