// `colmatch weights import|export|info`: weights files in, out, and what they say of themselves.
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "network/error.h"
#include "network/flops.h"
#include "network/network_names.h"
#include "network/weights.h"
#include "plugin/command_list.h"
#include "plugin/log.h"
#include "plugin/weights_location.h"

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
  std::string description() const override {
    return "Import official .pth weights, convert and describe weights files";
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
    AddOption(app, "input", input_,
              "import: a .pth file; export: a safetensors file; info: a file, folder or name")
        ->required();
    AddOption(app, "--output", output_, "safetensors file to write");
    AddOption(app, "--type", type_, "export: fp32 or fp16")->check(CLI::IsMember({"fp32", "fp16"}));
    AddOption(app, "--licence", licence_, "import: the licence of the weights, kept in the file");
  }

  int Run(const CommonOptions&) override {
    if (action_ == "info") return Info();
    if (output_.empty()) throw UsageError("weights " + action_ + ": --output names the file to write");
    return action_ == "import" ? Import() : Export();
  }

 private:
  int Info() const {
    std::vector<std::string> files = {input_};
    if (!fs::is_regular_file(input_)) {
      const WeightsPaths paths = ResolveWeights(input_);
      files = {paths.superpoint, paths.superglue};
    }
    for (const std::string& file : files) {
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
    Metadata metadata = {{"provenance", "imported from " + fs::path(input_).filename().string()}};
    metadata["licence"] = licence_.empty() ? "unknown: ask the owner of the imported file" : licence_;
    LogInfo(output_ + ": " + ImportPth(input_, output_, metadata));
    return 0;
  }

  int Export() const {
    const StoredType type = type_ == "fp16" ? StoredType::kFloat16 : StoredType::kFloat32;
    if (IsSuperPoint(input_)) {
      const auto loaded = LoadSuperPoint(input_);
      SaveSuperPoint(loaded.network, ExportedCard(loaded.metadata, loaded.sha256), output_, type);
    } else {
      const auto loaded = LoadSuperGlue(input_);
      SaveSuperGlue(loaded.network, ExportedCard(loaded.metadata, loaded.sha256), output_, type);
    }
    LogInfo(output_ + ": " + std::to_string(fs::file_size(output_)) + " bytes, " + type_);
    return 0;
  }

  std::string action_, input_, output_, type_ = "fp32", licence_;
};

}  // namespace

std::unique_ptr<Command> MakeWeightsCommand() { return std::make_unique<Weights>(); }

}  // namespace colmatch
