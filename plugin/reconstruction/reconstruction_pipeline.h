// From photos to a COLMAP model and a report: `colmatch automatic_reconstructor`.
#pragma once

#include "plugin/reconstruction/reconstruction_job.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Extracts features, matches pairs, matches rotated photos, runs `colmap mapper` and writes the report.
// Completed work is not repeated, except for the mapper, which starts from scratch in an empty sparse folder.
// Throws EnvironmentError if colmap is not installed.
ReconstructionResult Reconstruct(const ReconstructionOptions& options, const CommonOptions& common);

}  // namespace colmatch
