// Runs one of COLMAP's mappers and parses its output.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/reconstruction/mapper_program.h"

namespace colmatch {

// The progress of a mapper, from the output of COLMAP 3.8 to 4.x: "Registering image #12 (5)",
// "(num_reg_images=5)", "Initializing with image pair #1 and #2".
class MapperLines {
 public:
  // Adds any part of the output; a line may arrive in several parts.
  void Add(const std::string& text);
  // Number of registered images in the current model and in those before it. An estimate for hierarchical
  // mappers, which build several models at once.
  int num_registered() const { return before_ + now_; }
  const std::string& last_step() const {
    return last_step_;
  }  // a heading: "Global bundle adjustment"; may be empty

 private:
  void Read(const std::string& line);

  std::string rest_, last_step_;
  int before_ = 0, now_ = 0;
};

struct MapperRun {
  MapperProgram program;
  std::string database_path, image_path;
  std::filesystem::path sparse;        // an empty folder for the models
  std::filesystem::path log;           // file for the mapper's output
  std::vector<std::string> arguments;  // further arguments of the mapper
  int num_threads = 0;                 // of --Mapper.num_threads; 0: the mapper's default
  int num_images = 0;                  // for the progress bar
  std::string progress;                // ProgressBar's mode
};

// Runs the mapper, shows its progress and waits for its end. A request to stop is passed on to the mapper.
// Throws EnvironmentError if a signal of another process ended the mapper.
void RunMapper(const MapperRun& run);

// Creates an empty folder workspace/sparse. Models of an earlier run are moved to sparse.oldN, never deleted.
std::filesystem::path EmptySparseFolder(const std::filesystem::path& workspace);

}  // namespace colmatch
