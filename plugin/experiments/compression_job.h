// A compression as the command line gives it, and its run: `colmatch compress`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin/experiments/sensitivity.h"
#include "plugin/runtime/common_options.h"
#include "training/compression/pruning.h"
#include "training/data/feature_set.h"

namespace colmatch {

struct CompressionJob {
  CompressionJob() { features.views_per_photo = 2; }

  std::string task;  // sensitivity, prune, quantize
  std::string output;
  std::string network = "both";     // both, superpoint, superglue
  std::string method;               // empty: the task's first
  std::string codebook = "tensor";  // tensor, shared
  double sparsity = 0.5;
  int bits = 8;
  std::string sensitivity;  // folder of a scan; empty: all tensors alike
  double tolerance = 0.5;   // points

  std::vector<int> encoder_widths;
  int head_width = 0;
  NarrowerSuperGlue narrower;

  // Fine-tuning.
  std::vector<std::string> shards;
  std::string features_path;
  int64_t num_steps = -1;  // -1: 300 with shards, else 0
  double learning_rate = 1e-4, teacher_weight = 0.5;
  int num_workers = 0;
  bool resume = false;
  FeatureSetOptions features;

  SensitivityOptions scan;

  // Declares every option; in compression_options.cc.
  void AddTo(CLI::App& app);
};

// Prunes or quantizes, and writes superpoint.safetensors and superglue.safetensors into the output folder.
// Stops where a signal says so. Throws UsageError for contradictions, WeightsError, InputError and
// EnvironmentError for files.
void RunCompression(CompressionJob job, const CommonOptions& common);

}  // namespace colmatch
