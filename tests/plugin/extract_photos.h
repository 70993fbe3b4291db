// `colmatch feature_extractor` as the tests of the program run it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/plugin/program.h"

namespace colmatch {

// 400 keypoints a photo, one thread, the default weights; more: further arguments.
inline ProgramResult Extract(const std::filesystem::path& database, const std::filesystem::path& photos,
                             const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"feature_extractor",
                                        "--database_path",
                                        database,
                                        "--image_path",
                                        photos,
                                        "--num_threads",
                                        "1",
                                        "--SuperPoint.max_num_features",
                                        "400"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunColmatch(arguments);
}

}  // namespace colmatch
