// Fills the report of a reconstruction from the files in its workspace.
#pragma once

#include <filesystem>

#include "plugin/reconstruction/reconstruction_job.h"
#include "plugin/report/report.h"

namespace colmatch {

// Adds every option with its value; for "auto" and -1 also the value that was used.
void AddOptionsInForce(const ReconstructionOptions& options, const CommonOptions& common, ReportData& report);

// Adds images, pairs and provenance of the database, the models in `sparse` with a view of the largest one,
// images of matches, and, if there is no model, the reason. Also sets the numbers of `result`.
void AddOutcome(const ReconstructionOptions& options, const std::filesystem::path& sparse, ReportData& report,
                ReconstructionResult& result);

// Adds the weights that were used; adds nothing if the stage was skipped.
void AddWeights(const std::string& name, const UsedWeights& weights, ReportData& report);

// The file with the output of `colmap mapper`.
std::filesystem::path MapperLog(const ReconstructionOptions& options);

}  // namespace colmatch
