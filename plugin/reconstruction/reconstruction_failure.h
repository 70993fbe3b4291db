// Explains why there is no model, and what the user can do about it.
#pragma once

#include <string>
#include <vector>

#include "plugin/report/report.h"

namespace colmatch {

struct FailureExplanation {
  std::string reason;               // one sentence
  std::vector<std::string> advice;  // sentences
};

// For a run without a model: the first cause, in the order of the steps from photos to a model. mapper_log is
// the output of `colmap mapper`; it may be empty.
FailureExplanation ExplainFailure(const ReportData& report, const std::string& mapper_log);

}  // namespace colmatch
