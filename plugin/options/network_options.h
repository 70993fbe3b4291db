// The options of the networks that several commands take, each declared once: names, help, bounds.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "network/keypoints.h"
#include "network/superglue.h"

namespace colmatch {

// --SuperPoint.*, of how keypoints are chosen.
CLI::Option* AddKeypointThreshold(CLI::App& app, KeypointOptions& options);
CLI::Option* AddNmsRadius(CLI::App& app, KeypointOptions& options);
CLI::Option* AddRemoveBorders(CLI::App& app, KeypointOptions& options);
CLI::Option* AddRefinementRadius(CLI::App& app, KeypointOptions& options);
// otherwise: what -1 and an empty list mean, for the help.
CLI::Option* AddPlaceRadius(CLI::App& app, double& radius, const std::string& otherwise);
CLI::Option* AddScales(CLI::App& app, std::vector<double>& scales, const std::string& otherwise);

// --SuperGlue.*, of how matches are decided.
CLI::Option* AddMatchThreshold(CLI::App& app, SuperGlueOptions& options);
CLI::Option* AddSinkhornIterations(CLI::App& app, int& iterations);
CLI::Option* AddGuidanceRounds(CLI::App& app, SuperGlueOptions& options);

// --SuperGlue.*, of how a GPU is used.
void AddGpuBatchOptions(CLI::App& app, int& batch_size, bool& cuda_graphs);

}  // namespace colmatch
