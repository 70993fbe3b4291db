// Why nothing was reconstructed, in words, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "plugin/report/report.h"

namespace colmatch {

struct FailureExplanation {
  std::string reason;               // one sentence
  std::vector<std::string> advice;  // sentences
};

// For a run without a model: the first cause on the way from photos to a model that explains it. mapper_log
// is what `colmap mapper` printed; may be empty.
FailureExplanation ExplainFailure(const ReportData& report, const std::string& mapper_log);

}  // namespace colmatch
