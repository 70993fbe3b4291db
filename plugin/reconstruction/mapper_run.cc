// COLMAP's mappers; see mapper_run.h.
#include "plugin/reconstruction/mapper_run.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "plugin/reconstruction/batch_collections.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// What has come to a file since the last call.
class Follower {
 public:
  explicit Follower(fs::path path) : path_(std::move(path)) {}
  std::string More() {
    std::ifstream file(path_, std::ios::binary);
    if (!file || !file.seekg(read_)) return "";
    std::string text((std::istreambuf_iterator<char>(file)), {});
    read_ += static_cast<std::streamoff>(text.size());
    return text;
  }

 private:
  fs::path path_;
  std::streamoff read_ = 0;
};

std::vector<std::string> CommandOf(const MapperRun& run) {
  std::vector<std::string> command = run.program.command;
  command.insert(command.end(), {"--database_path", run.database_path, "--image_path", run.image_path,
                                 "--output_path", run.sparse.string()});
  command.insert(command.end(), run.arguments.begin(), run.arguments.end());
  if (run.num_threads > 0)
    command.insert(command.end(), {"--Mapper.num_threads", std::to_string(run.num_threads)});
  return command;
}

}  // namespace

void MapperLines::Add(const std::string& text) {
  rest_ += text;
  size_t begin = 0;
  for (size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
    Read(rest_.substr(begin, end - begin));
  rest_.erase(0, begin);
}

// COLMAP 4 puts time and place before its lines: they are looked for anywhere.
void MapperLines::Read(const std::string& line) {
  constexpr char kRegistering[] = "Registering image #", kFirst[] = "Initializing with image pair";
  if (const size_t at = line.find(kRegistering); at != std::string::npos) {
    size_t digits = line.find('(', at);
    digits = digits == std::string::npos ? digits : line.find_first_of("0123456789", digits);
    // The number of images that there will be with this one.
    if (digits != std::string::npos) now_ = std::max(now_, std::atoi(line.c_str() + digits));
    last_step_ = "";
  } else if (line.find(kFirst) != std::string::npos) {
    before_ += now_;
    now_ = 2;
  } else if (line.find("Global bundle adjustment") != std::string::npos) {
    last_step_ = "Global bundle adjustment";
  } else if (line.find("Retriangulation") != std::string::npos) {
    last_step_ = "Retriangulation";
  }
}

void RunMapper(const MapperRun& run) {
  const auto command = CommandOf(run);
  Follower follower(run.log);
  MapperLines lines;
  ProgressBar bar("registered images", run.num_images, run.progress);
  std::error_code error;
  fs::remove(run.log, error);  // or the lines of a run before would count
  const int status = RunProgram(command, run.log.string(), [&] {
    lines.Add(follower.More());
    bar.Update(std::min(lines.num_registered(), run.num_images), lines.last_step());
  });
  if (StopRequested()) return;
  // COLMAP's mapper exits 1 where it finds no model, which is a result; a signal is a fault.
  if (status > 128) {
    throw EnvironmentError("the mapper of " + run.program.name + " was ended by signal " +
                           std::to_string(status - 128) + "; its output is in " + run.log.string());
  }
}

fs::path EmptySparseFolder(const fs::path& workspace) {
  const fs::path sparse = workspace / "sparse";
  if (fs::exists(sparse) && !fs::is_empty(sparse))
    LogInfo("models of an earlier run are now in " + MoveAside(sparse).string());
  fs::create_directories(sparse);
  return sparse;
}

}  // namespace colmatch
