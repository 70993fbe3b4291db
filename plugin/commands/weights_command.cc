// `colmatch weights import|export|info`: weights files in, out, and what they say of themselves.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "network/checkpoint_import.h"
#include "network/flops.h"
#include "network/formats/network_names.h"
#include "network/weights.h"
#include "plugin/commands/command_list.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/weights_location.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

struct ParameterCounts {
  int64_t all = 0, nonzero = 0;
};

ParameterCounts CountParameters(const torch::nn::Module& network) {
  ParameterCounts counts;
  for (const auto& parameter : network.parameters()) {
    counts.all += parameter.numel();
    counts.nonzero += parameter.count_nonzero().item<int64_t>();
  }
  return counts;
}

std::string GflopText(const std::string& of, double flops) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << "gflop per " << of << ": " << flops * 1e-9;
  return text.str();
}

void PrintInfo(const std::string& path, const Metadata& metadata, const std::string& sha256,
               const ParameterCounts& parameters, const std::string& cost) {
  std::cout << path << "\n  bytes: " << fs::file_size(path) << "\n  sha256: " << sha256
            << "\n  parameters: " << parameters.all << "\n  non-zero: " << parameters.nonzero << "\n  "
            << cost << '\n';
  for (const auto& [key, value] : metadata) std::cout << "  " << key << ": " << value << '\n';
}

// What SuperGlue's card calls superpoint_sha256 is the file it was trained on, before any export.
Metadata ExportedCard(Metadata card, const std::string& sha256) {
  card["exported_from_sha256"] = sha256;
  return card;
}

bool IsSuperPoint(const std::string& path) { return NetworkInFile(path) == kSuperPointName; }

class Weights : public Command {
 public:
  std::string name() const override { return "weights"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Import weights of other programs, convert and describe weights files";
  }
  std::string examples() const override {
    return "  colmatch weights info default\n"
           "  colmatch weights import superpoint_v1.pth --output mine/superpoint.safetensors --licence \"as "
           "the file's owner says\"\n"
           "  colmatch weights export mine/superpoint.safetensors --output half.safetensors --type fp16";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "action", action_, "import, export or info")
        ->required()
        ->check(CLI::IsMember({"import", "export", "info"}));
    AddOption(
        app, "input", input_,
        "import: a .pth or safetensors file of another program; export, info: a file, folder or name, or "
        "superpoint=PATH,superglue=PATH")
        ->required();
    AddOption(app, "--output", output_,
              "file to write: .safetensors, or .pth for PyTorch's programs (export); a folder for two files");
    AddOption(app, "--entry", entry_,
              "import: which network to take where the file has several, as the error lists them");
    AddOption(app, "--type", type_, "export: type of the stored numbers, fp32 or fp16")
        ->check(CLI::IsMember({"fp32", "fp16"}));
    AddOption(app, "--licence", licence_, "import: the licence of the weights, kept in the file");
  }

  int Run(const CommonOptions&) override {
    if (action_ == "info") return Info();
    if (output_.empty()) throw UsageError("weights " + action_ + ": --output names the file to write");
    return action_ == "import" ? Import() : Export();
  }

 private:
  // The files that a name, a folder, a file or superpoint=PATH,superglue=PATH means.
  std::vector<std::string> Files() const {
    if (fs::is_regular_file(input_)) return {input_};
    const WeightsPaths paths = ResolveWeights(input_);
    std::vector<std::string> files;
    const bool only_superglue = input_.rfind("superglue=", 0) == 0 && input_.find(',') == std::string::npos;
    if (!only_superglue) files.push_back(paths.superpoint);
    if (!paths.superglue.empty()) files.push_back(paths.superglue);
    return files;
  }

  int Info() const {
    for (const std::string& file : Files()) {
      if (IsSuperPoint(file)) {
        const auto loaded = LoadSuperPoint(file);
        PrintInfo(file, loaded.metadata, loaded.sha256, CountParameters(*loaded.network),
                  GflopText("image of 640 x 480", ExtractionFlops(loaded.network->architecture(), 480, 640)));
      } else {
        const auto loaded = LoadSuperGlue(file);
        PrintInfo(
            file, loaded.metadata, loaded.sha256, CountParameters(*loaded.network),
            GflopText("pair of 1024 keypoints", SuperGlueFlops(loaded.network->architecture(), 1024, 1024)));
      }
    }
    return 0;
  }

  int Import() const {
    RequireSuffix(output_, {".safetensors"});
    Metadata metadata = {{"provenance", "imported from " + fs::path(input_).filename().string()}};
    metadata["licence"] = licence_.empty() ? "unknown: ask the owner of the imported file" : licence_;
    const ImportReport report = ImportWeights(input_, output_, metadata, entry_);
    for (const std::string& note : report.notes) LogInfo(input_ + ": " + note);
    LogInfo(output_ + ": " + report.network);
    return 0;
  }

  static void RequireSuffix(const std::string& path, const std::vector<std::string>& suffixes) {
    const std::string suffix = fs::path(path).extension().string();
    if (suffix.empty() || std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end()) return;
    std::string expected;
    for (const std::string& known : suffixes) expected += (expected.empty() ? "" : ", ") + known;
    throw UsageError("--output " + path + ": expected a name that ends in " + expected);
  }

  // Two networks go into a folder, under the names that --weights FOLDER looks for.
  int Export() const {
    const std::vector<std::string> files = Files();
    if (files.size() == 1) {
      RequireSuffix(output_, {".safetensors", ".pth", ".pt"});
      return ExportFile(files[0], output_);
    }
    if (!fs::path(output_).extension().empty()) {
      throw UsageError(
          "--output " + output_ + ": " + input_ +
          " has two files, SuperPoint's and SuperGlue's: expected a folder for both, or name one file "
          "to export (" +
          files[0] + ")");
    }
    fs::create_directories(output_);
    for (const std::string& file : files)
      ExportFile(file, (fs::path(output_) / fs::path(file).filename()).string());
    return 0;
  }

  int ExportFile(const std::string& input, const std::string& output) const {
    const StoredType type = type_ == "fp16" ? StoredType::kFloat16 : StoredType::kFloat32;
    if (IsSuperPoint(input)) {
      const auto loaded = LoadSuperPoint(input);
      SaveSuperPoint(loaded.network, ExportedCard(loaded.metadata, loaded.sha256), output, type);
    } else {
      const auto loaded = LoadSuperGlue(input);
      SaveSuperGlue(loaded.network, ExportedCard(loaded.metadata, loaded.sha256), output, type);
    }
    LogInfo(output + ": " + std::to_string(fs::file_size(output)) + " bytes, " + type_);
    return 0;
  }

  std::string action_, input_, output_, type_ = "fp32", licence_, entry_;
};

}  // namespace

std::unique_ptr<Command> MakeWeightsCommand() { return std::make_unique<Weights>(); }

}  // namespace colmatch
