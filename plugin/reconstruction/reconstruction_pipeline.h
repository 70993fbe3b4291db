// Photos to a COLMAP model and a report: `colmatch automatic_reconstructor`.
#pragma once

#include "plugin/reconstruction/reconstruction_job.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Features, matches, those of rotated photos, `colmap mapper`, report. What is done already is not
// done again, the mapper excepted, which starts from scratch into an empty sparse folder. Throws
// EnvironmentError if colmap is not installed.
ReconstructionResult Reconstruct(const ReconstructionOptions& options, const CommonOptions& common);

}  // namespace colmatch
