// What a sensitivity scan allows; see sensitivity.h.
#include "plugin/experiments/sensitivity.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "plugin/runtime/command.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {

void SensitivityOptions::AddTo(CLI::App& app) {
  AddOption(app, "--image_path", image_path, "sensitivity: photos that no weights were trained on");
  AddOption(app, "--num_pairs", num_pairs, "sensitivity: number of warped pairs to measure on", {2, 10000});
  AddOption(app, "--sparsities", sparsities, "sensitivity: sparsities to try")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 0.999));
  AddOption(app, "--bits_tried", bits, "sensitivity: bits of k-means codebooks to try")
      ->delimiter(',')
      ->check(CLI::Range(1, 8));
}

SensitivityLimits ReadSensitivity(const std::string& folder, double tolerance) {
  const auto path = std::filesystem::path(folder) / "scan.json";
  if (!std::filesystem::exists(path))
    throw UsageError(folder + ": has no scan.json; `colmatch compress sensitivity --output " + folder +
                     "` makes it");
  SensitivityLimits limits;
  try {
    const auto scan = nlohmann::json::parse(ReadWholeFile(path.string()));
    const double precision = scan.at("dense").at("precision"), recall = scan.at("dense").at("recall");
    for (const auto& entry : scan.at("settings")) {
      const std::string tensor = entry.at("tensor");
      const bool tolerated = entry.at("precision").get<double>() >= precision - tolerance &&
                             entry.at("recall").get<double>() >= recall - tolerance;
      if (entry.at("kind") == "sparsity") {
        double& largest = limits.sparsity[tensor];
        if (tolerated) largest = std::max(largest, entry.at("value").get<double>());
      } else {
        int& least = limits.bits.emplace(tensor, 8).first->second;
        if (tolerated) least = std::min(least, entry.at("value").get<int>());
      }
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path.string() + ": is damaged or no scan: " + error.what());
  }
  return limits;
}

}  // namespace colmatch
