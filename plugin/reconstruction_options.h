// The command line of a reconstruction, shared by `automatic_reconstructor` and `batch_reconstructor`.
#pragma once

#include <filesystem>

#include "plugin/matching_options.h"
#include "plugin/reconstruction_pipeline.h"

namespace colmatch {

class ReconstructionCommandOptions {
 public:
  void AddTo(CLI::App& app);  // everything but paths
  // Throws UsageError for contradictions.
  ReconstructionOptions Resolve(const std::filesystem::path& images,
                                const std::filesystem::path& workspace) const;

 private:
  ReconstructionOptions options_;
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

}  // namespace colmatch
