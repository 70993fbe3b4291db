// The model in a report: interactive where the library that draws it is there, else its still picture.
#pragma once

#include <string>

#include "plugin/report/report.h"

namespace colmatch {

// The section of the page; empty where there is no model to show.
std::string ModelViewSection(const ReportData& data);

}  // namespace colmatch
