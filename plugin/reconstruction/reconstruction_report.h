// The report of a reconstruction, from what it left in its workspace.
#pragma once

#include <filesystem>

#include "plugin/reconstruction/reconstruction_job.h"
#include "plugin/report/report.h"

namespace colmatch {

// The options in force; what "auto" and -1 came to is said too.
void AddOptionsInForce(const ReconstructionOptions& options, const CommonOptions& common, ReportData& report);

// Images, pairs and provenance of the database, the models below `sparse` with the view of the largest,
// pictures of matches, and why there is no model if so. The numbers of `result` are set too.
void AddOutcome(const ReconstructionOptions& options, const std::filesystem::path& sparse, ReportData& report,
                ReconstructionResult& result);

// Weights that were used; none where the stage was left out.
void AddWeights(const std::string& name, const UsedWeights& weights, ReportData& report);

// Where `colmap mapper` wrote what it printed.
std::filesystem::path MapperLog(const ReconstructionOptions& options);

}  // namespace colmatch
