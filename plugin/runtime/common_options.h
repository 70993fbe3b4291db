// The options that every command takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/runtime/available_cores.h"
#include "util/option_declaration.h"

namespace colmatch {

// Of CommonOptions::precision.
inline constexpr char kBf16[] = "bf16", kFp16[] = "fp16", kInt8[] = "int8";

struct CommonOptions {
  std::string command_line;            // as it was typed
  std::vector<std::string> arguments;  // the same word by word, without the program
  std::string weights = "default";     // name, folder, file, or superpoint=PATH,superglue=PATH
  std::string device = "auto";         // as DevicesFromName takes it
  bool use_gpu = true;                 // COLMAP's words for the same, which main turns into device
  std::string gpu_index = "-1";
  std::string precision = "auto";  // of the networks' arithmetic: auto, fp32, bf16, fp16, int8
  int num_threads = -1;
  uint64_t random_seed = 0;
  std::string progress = "auto";  // auto: when standard error is a terminal; on; off
  std::string log_level = "info";
  std::string trace_path;  // of a file for WriteTrace; empty: none
  double busy_timeout_s = 30;

  static constexpr Declaration<int> kNumThreads{
      "--num_threads,--SiftExtraction.num_threads,--SiftMatching.num_threads,"
      "--FeatureExtraction.num_threads,--FeatureMatching.num_threads",
      "CPU threads; -1: all cores that this process may use",
      {1, 1024, "", Ends::kClosed, -1}};
  static constexpr Declaration<double> kBusyTimeout{
      "--busy_timeout", "seconds to wait for another program's lock on the database", {0, 86400, "seconds"}};
};

// Threads to use, at least 1.
inline int NumWorkers(const CommonOptions& common) {
  return common.num_threads > 0 ? common.num_threads : AvailableCores();
}

}  // namespace colmatch
