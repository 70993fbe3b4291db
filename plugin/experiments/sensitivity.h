// How much each tensor of the networks matters: a scan over sparsities and bits, and what it allows.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plugin/runtime/common_options.h"

namespace colmatch {

struct SensitivityOptions {
  std::string image_path;  // photos that no weights were trained on
  int num_pairs = 24;      // of warps (homography protocol), the fixed validation set
  std::vector<double> sparsities = {0.4, 0.6, 0.8};
  std::vector<int> bits = {2, 3, 4, 6};

  void AddTo(CLI::App& app);
};

// What every tensor tolerates, by "superpoint.NAME" and "superglue.NAME".
struct SensitivityLimits {
  std::map<std::string, double> sparsity;  // the largest; 0 where none does
  std::map<std::string, int> bits;         // the least; 8 where none does
};

// Of a scan's folder: settings that cost at most `tolerance` (a share) of precision and of recall. Throws
// UsageError for a folder without scan and InputError for a damaged one.
SensitivityLimits ReadSensitivity(const std::string& folder, double tolerance);

// Changes one tensor at a time, measures precision, recall and AUC, and writes scan.json and curves into
// `folder`. What is in scan.json already is not measured again. Returns the exit status.
using SensitivityScan = std::function<int(const SensitivityOptions& options, const CommonOptions& common,
                                          const std::string& folder)>;
int ScanSensitivity(const SensitivityOptions& options, const CommonOptions& common,
                    const std::string& folder);

}  // namespace colmatch
