// The measurements of `colmatch benchmark`: several weights and precisions in one run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/experiments/benchmark_photos.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

struct BenchmarkOptions {
  std::vector<std::string> compare;  // further weights, as CommonOptions::weights or MeansPublishedSizes
  std::vector<std::string> precisions = {"fp32"};
  std::vector<int> num_keypoints = {512, 1024, 2048};  // per image
  std::string image_path;                              // photos, each with the next; empty: random points
  int num_images = 4;                                  // of these, at most
  int width = 640, height = 480;                       // pixels
  int batch_size = 16;                                 // pairs at once, on a GPU
  bool cuda_graphs = false;
  int sinkhorn_iterations = 0;  // 0: as many as the weights specify
  int repetitions = 5;
  std::string clock = "wall";  // wall, cpu
};

// The report (docs/engine.md): `gemm_gflops`, `results`. read_photos may be empty where image_path is. Ends
// early, without `results`, where a signal says so. Throws UsageError for what cannot be measured together.
nlohmann::ordered_json RunBenchmark(const BenchmarkOptions& options, const CommonOptions& common,
                                    const BenchmarkPhotoReader& read_photos);

// The report as a table on standard output, and as a roofline plot (PNG, by gnuplot).
void PrintBenchmark(const nlohmann::ordered_json& report);
void PlotRoofline(const nlohmann::ordered_json& report, const std::string& path);

}  // namespace colmatch
