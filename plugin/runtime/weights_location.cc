// Finding weights; see weights_location.h.
#include "plugin/runtime/weights_location.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "network/formats/network_names.h"
#include "network/formats/safetensors.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
constexpr char kSuperPointFile[] = "superpoint.safetensors";
constexpr char kSuperGlueFile[] = "superglue.safetensors";

WeightsPaths FromFolder(const fs::path& folder) {
  WeightsPaths paths{(folder / kSuperPointFile).string(), (folder / kSuperGlueFile).string()};
  for (const auto& path : {paths.superpoint, paths.superglue}) {
    if (!fs::is_regular_file(path))
      throw UsageError("--weights " + folder.string() + ": there is no " + path);
  }
  return paths;
}

WeightsPaths FromName(const std::string& name) {
  std::string looked;
  for (const std::string& folder : WeightsFolders()) {
    const fs::path candidate = fs::path(folder) / name;
    if (fs::is_directory(candidate)) return FromFolder(candidate);
    looked += (looked.empty() ? "" : ", ") + folder;
  }
  throw UsageError("--weights " + name + ": no such file, folder or name; names are looked for in " + looked +
                   " (set COLMATCH_WEIGHTS to add a folder)");
}

WeightsPaths FromFile(const std::string& path) {
  if (NetworkInFile(path) == kSuperPointName) return {path, ""};
  return {FromName("default").superpoint, path};
}

void Replace(WeightsPaths& paths, const std::string& assignment) {
  const auto equals = assignment.find('=');
  const std::string key = assignment.substr(0, equals), path = assignment.substr(equals + 1);
  if (!fs::is_regular_file(path)) throw UsageError("--weights " + assignment + ": there is no file " + path);
  if (key == "superpoint") {
    paths.superpoint = path;
  } else if (key == "superglue") {
    paths.superglue = path;
  } else {
    throw UsageError("--weights " + assignment + ": expected superpoint=PATH or superglue=PATH");
  }
}

std::vector<std::string>& AddedFolders() {
  static std::vector<std::string> folders;
  return folders;
}

}  // namespace

void AddWeightsFolder(const std::string& folder) { AddedFolders().push_back(folder); }

std::vector<std::string> WeightsFolders() {
  std::vector<std::string> folders;
  if (const char* custom = std::getenv("COLMATCH_WEIGHTS")) folders.push_back(custom);
  folders.insert(folders.end(), AddedFolders().begin(), AddedFolders().end());
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back((program.parent_path() / "weights").string());
    folders.push_back((program.parent_path().parent_path() / "share/colmatch/weights").string());
  }
  folders.push_back(COLMATCH_SOURCE_WEIGHTS);
  return folders;
}

std::string NetworkInFile(const std::string& path) {
  const auto metadata = ReadSafetensors(path).metadata;
  const auto found = metadata.find("architecture");
  const std::string is = found == metadata.end() ? "none" : found->second;
  if (is == kSuperPointName || is == kSuperGlueName) return is;
  throw WeightsError(path + ": its architecture is " + is + ", expected " + kSuperPointName + " or " +
                     kSuperGlueName);
}

WeightsPaths ResolveWeights(const std::string& weights) {
  if (weights.find('=') == std::string::npos) {
    if (fs::is_directory(weights)) return FromFolder(weights);
    if (fs::is_regular_file(weights)) return FromFile(weights);
    return FromName(weights);
  }
  std::istringstream parts(weights);
  std::vector<std::string> assignments;
  for (std::string part; std::getline(parts, part, ',');) assignments.push_back(part);
  WeightsPaths paths;
  for (const std::string& assignment : assignments) Replace(paths, assignment);
  if (paths.superpoint.empty()) paths.superpoint = FromName("default").superpoint;
  if (paths.superglue.empty() && assignments.size() > 1) paths.superglue = FromName("default").superglue;
  return paths;
}

}  // namespace colmatch
