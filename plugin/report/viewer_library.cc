// Finding three.js; see viewer_library.h.
#include "plugin/report/viewer_library.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "util/sha256.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kAdvice[] = "run scripts/fetch_viewer.sh once and make the report again";

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::vector<std::string> ViewerFolders() {
  std::vector<std::string> folders;
  if (const auto named = Variable(kViewerVariable); !named.empty()) folders.push_back(named);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back((program.parent_path() / "viewer").string());
    folders.push_back((program.parent_path().parent_path() / "share/colmatch/viewer").string());
  }
  const std::string cache = Variable("XDG_CACHE_HOME"), home = Variable("HOME");
  if (!cache.empty()) {
    folders.push_back((fs::path(cache) / "colmatch/viewer").string());
  } else if (!home.empty()) {
    folders.push_back((fs::path(home) / ".cache/colmatch/viewer").string());
  }
  return folders;
}

ViewerLibrary FindViewerLibrary() {
  std::string other;
  for (const std::string& folder : ViewerFolders()) {
    const fs::path path = fs::path(folder) / kViewerFile;
    std::ifstream file(path, std::ios::binary);
    if (!file) continue;
    std::string script((std::istreambuf_iterator<char>(file)), {});
    if (Sha256Hex(script) == kViewerSha256) return {std::move(script), ""};
    other = path.string();
  }
  if (!other.empty())
    return {"",
            other + " is not the three.js that this colmatch knows (its SHA-256 differs); " + kAdvice + "."};
  return {"", std::string("three.js, which draws it, is not on this machine; ") + kAdvice + "."};
}

}  // namespace colmatch
