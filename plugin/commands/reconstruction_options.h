// The command line of a reconstruction, shared by `automatic_reconstructor` and `batch_reconstructor`.
#pragma once

#include <filesystem>
#include <string>

#include "plugin/matching/matching_options.h"
#include "plugin/reconstruction/reconstruction_job.h"

namespace colmatch {

class ReconstructionCommandOptions {
 public:
  void AddTo(CLI::App& app);        // everything but paths
  void AddStagesTo(CLI::App& app);  // COLMAP's switches that leave a stage out
  // Throws UsageError for contradictions.
  ReconstructionOptions Resolve(const std::filesystem::path& images,
                                const std::filesystem::path& workspace) const;

 private:
  void AddPairsTo(CLI::App& app);

  std::string data_type_ = "individual";
  ForeignOptions foreign_;
  ReconstructionOptions options_;
  const CLI::Option *num_similar_ = nullptr, *num_neighbors_ = nullptr;
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

}  // namespace colmatch
