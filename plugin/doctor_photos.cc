// The libraries for photos and databases, and COLMAP; see doctor.h.
#include <ceres/version.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <opencv2/core/version.hpp>

#include "network/error.h"
#include "plugin/doctor.h"
#include "plugin/handover.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

DoctorCheck CheckLibraries() {
  const std::string loaded = cv::getVersionString();
  return {"libraries", Health::kOk,
          "OpenCV " + loaded + ", Ceres " + CERES_VERSION_STRING + ", SQLite " + sqlite3_libversion(), ""};
}

// The first line of `colmap help`: "COLMAP 3.8 -- Structure-from-Motion and Multi-View Stereo".
std::string ColmapVersion() {
  std::string log = (fs::temp_directory_path() / "colmatch_doctor_XXXXXX").string();
  const int file = mkstemp(log.data());
  if (file < 0) throw EnvironmentError("no temporary file can be made in " + log);
  close(file);
  const int status = RunProgram({"colmap", "help"}, log);
  std::ifstream stream(log);
  std::string line;
  std::getline(stream, line);
  fs::remove(log);
  if (status != 0 || line.rfind("COLMAP", 0) != 0)
    throw EnvironmentError("`colmap help` ended with status " + std::to_string(status) + " and said \"" +
                           line + "\"");
  return line.substr(0, line.find(" --"));
}

DoctorCheck CheckColmap() {
  constexpr char kAdvice[] = "install it: apt-get install colmap; without it nothing is reconstructed";
  if (!IsOnPath("colmap")) return {"COLMAP", Health::kProblem, "colmap is not on PATH", kAdvice};
  try {
    return {"COLMAP", Health::kOk, ColmapVersion(), ""};
  } catch (const std::exception& error) {
    return {"COLMAP", Health::kProblem, error.what(), "reinstall it, or put another first on PATH"};
  }
}

}  // namespace

std::vector<DoctorCheck> CheckPhotosAndDatabase(const std::string& database_path,
                                                const CommonOptions& common) {
  std::vector<DoctorCheck> checks = {CheckLibraries(), CheckColmap()};
  if (database_path.empty()) return checks;
  for (DoctorCheck& check : CheckDatabase(database_path, common)) checks.push_back(std::move(check));
  return checks;
}

}  // namespace colmatch
