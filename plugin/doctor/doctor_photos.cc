// The libraries for photos and databases, and COLMAP; see doctor.h.
#include <ceres/version.h>
#include <sqlite3.h>

#include <opencv2/core/utility.hpp>
#include <opencv2/core/version.hpp>

#include "plugin/doctor/doctor.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/handover.h"
#include "util/error.h"

namespace colmatch {
namespace {

DoctorCheck CheckLibraries() {
  const std::string loaded = cv::getVersionString();
  return {"libraries", Health::kOk,
          "OpenCV " + loaded + ", Ceres " + CERES_VERSION_STRING + ", SQLite " + sqlite3_libversion(), ""};
}

DoctorCheck CheckColmap() {
  constexpr char kAdvice[] = "install it: apt-get install colmap; without it nothing is reconstructed";
  try {
    const auto colmap = FindColmap();
    if (!colmap && IsOnPath("colmap"))
      return {"COLMAP", Health::kProblem, "the only colmap on PATH is colmatch itself", kAdvice};
    if (!colmap) return {"COLMAP", Health::kProblem, "colmap is not on PATH", kAdvice};
    const std::string version = colmap->Version();
    if (!version.empty()) return {"COLMAP", Health::kOk, "COLMAP " + version + " (" + colmap->path + ")", ""};
    return {"COLMAP", Health::kProblem,
            "`" + colmap->path + " help` does not say COLMAP's version, but \"" +
                colmap->help.substr(0, colmap->help.find('\n')) + "\"",
            "reinstall it, or put another first on PATH"};
  } catch (const EnvironmentError& error) {
    return {"COLMAP", Health::kProblem, error.what(),
            "unset COLMATCH_COLMAP, or let it name COLMAP's program"};
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
