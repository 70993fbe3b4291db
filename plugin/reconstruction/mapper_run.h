// Running one of COLMAP's mappers: which of them the `colmap` found has, and what it prints on the way.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/runtime/colmap_program.h"

namespace colmatch {

// "mapper", "hierarchical_mapper", "global_mapper" for incremental, hierarchical, global. Throws
// EnvironmentError naming version and what it has instead, where this COLMAP has not that command.
std::string MapperCommand(const ColmapProgram& colmap, const std::string& mapper);

// How far a mapper is, by the lines of COLMAP 3.8 to 4.x: "Registering image #12 (5)", "(num_reg_images=5)",
// "Initializing with image pair #1 and #2".
class MapperLines {
 public:
  // Any part of the output; a line may come in several.
  void Add(const std::string& text);
  // Of the model in work and of those before it. Hierarchical mappers work on several at once: an estimate
  // there.
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
  ColmapProgram colmap;
  std::string mapper;  // incremental, hierarchical, global
  std::string database_path, image_path;
  std::filesystem::path sparse;        // an empty folder for the models
  std::filesystem::path log;           // gets what it prints
  std::vector<std::string> arguments;  // further ones
  int num_threads = 0;                 // 0: the mapper's own choice
  int num_images = 0;                  // for the progress
  std::string progress;                // ProgressBar's mode
};

// Waits for it and shows its progress; a request to stop is passed on. Throws EnvironmentError where it was
// ended by a signal of another's.
void RunMapper(const MapperRun& run);

// An empty workspace/sparse. Models of a run before are moved aside to sparse.oldN, never deleted.
std::filesystem::path EmptySparseFolder(const std::filesystem::path& workspace);

}  // namespace colmatch
