// Import of checkpoints; see checkpoint_import.h.
#include "network/checkpoint_import.h"

#include <algorithm>

#include "network/batch_norm_folding.h"
#include "network/formats/checkpoint_names.h"
#include "network/formats/network_names.h"
#include "network/formats/pth_reader.h"
#include "network/formats/safetensors.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

std::string Listed(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i) text += (i > 0 ? ", '" : "'") + names[i] + "'";
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

std::vector<TensorGroup> ReadGroups(const std::string& path) {
  const std::string bytes = ReadWeightsFile(path);
  if (bytes.rfind("PK\3\4", 0) == 0 || bytes.rfind("\x80\x02\x8a\x0a", 0) == 0)
    return ParseCheckpoint(bytes, path);
  constexpr size_t kLengthBytes = 8;  // of a safetensors file's header, which is JSON
  if (bytes.size() <= kLengthBytes || bytes[kLengthBytes] != '{') {
    throw WeightsError(path + ": is neither a file of torch.save nor safetensors");
  }
  SafetensorsFile file = ParseSafetensors(bytes, path);
  if (file.metadata.count("architecture") != 0 && file.metadata.count("format_version") != 0) {
    throw WeightsError(path +
                       ": is a weights file of colmatch already: give it to --weights as it is, or use "
                       "`colmatch weights export`");
  }
  return {{"", std::move(file.tensors)}};
}

std::string Names(const std::vector<FoundNetwork>& networks) {
  std::vector<std::string> labels;
  for (const FoundNetwork& network : networks)
    labels.push_back(network.label.empty() ? "(the file itself)" : network.label);
  return Listed(labels, 20);
}

[[noreturn]] void ThrowNone(const std::string& path, const std::vector<TensorGroup>& groups) {
  std::string has = "no tensors";
  if (!groups.empty()) {
    std::vector<std::string> names;
    for (const auto& item : groups.front().tensors) names.push_back(item.first);
    has = (groups.front().path.empty() ? "" : "'" + groups.front().path + "' with ") + Listed(names, 5);
  }
  throw WeightsError(
      path +
      ": has neither 'conv1a.weight' (SuperPoint) nor 'bin_score' (SuperGlue), under no prefix "
      "and in no dictionary; it has " +
      has);
}

FoundNetwork Choose(std::vector<FoundNetwork> networks, const std::vector<TensorGroup>& groups,
                    const std::string& entry, const std::string& path) {
  if (networks.empty()) ThrowNone(path, groups);
  if (!entry.empty()) {
    std::vector<FoundNetwork> named;
    for (const FoundNetwork& network : networks) {
      if (network.label == entry || ("." + network.label + ".").find("." + entry + ".") != std::string::npos)
        named.push_back(network);
    }
    const auto exact =
        std::find_if(named.begin(), named.end(), [&](const auto& n) { return n.label == entry; });
    if (exact != named.end()) return *exact;
    if (named.empty()) {
      throw WeightsError(path + ": has no network in '" + entry + "'; it has " + Names(networks));
    }
    networks = std::move(named);
  }
  if (networks.size() > 1) {
    throw WeightsError(path + ": has " + std::to_string(networks.size()) + " networks: " + Names(networks) +
                       "; say which to take (--entry)");
  }
  return std::move(networks.front());
}

int64_t Numel(const StoredTensor& tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor.shape) count *= size;
  return count;
}

// Some programs keep the dustbin's score as a vector of one, and 1 x 1 convolutions as matrices.
void NormalizeShapes(FoundNetwork& found, std::vector<std::string>& notes) {
  if (IsSuperPoint(found.style)) return;
  for (auto& [name, tensor] : found.tensors) {
    const bool is_score = name == "bin_score" && !tensor.shape.empty() && Numel(tensor) == 1;
    const bool is_matrix =
        name.size() > 7 && name.compare(name.size() - 7, 7, ".weight") == 0 && tensor.shape.size() == 2;
    if (is_score) {
      notes.push_back("'bin_score' of " + std::to_string(tensor.shape.size()) +
                      " dimensions is taken as a number");
      tensor.shape.clear();
    } else if (is_matrix) {
      tensor.shape.push_back(1);
    }
  }
}

std::vector<std::string> NotesOf(const FoundNetwork& found) {
  std::string text =
      std::string(NameOf(found.style)) + ": " + std::to_string(found.tensors.size()) + " tensors";
  if (!found.label.empty()) text += " of '" + found.label + "'";
  if (!found.prefix.empty()) text += ", their prefix '" + found.prefix + "' taken off";
  std::vector<std::string> notes = {text};
  if (!found.left.empty()) notes.push_back("left: " + Listed(found.left, 8));
  return notes;
}

}  // namespace

ImportReport ImportWeights(const std::string& path, const std::string& safetensors_path,
                           const Metadata& metadata, const std::string& entry) {
  const std::vector<TensorGroup> groups = ReadGroups(path);
  FoundNetwork found = Choose(FindNetworks(groups), groups, entry, path);
  ImportReport report;
  report.notes = NotesOf(found);
  NormalizeShapes(found, report.notes);
  Metadata card = metadata;
  if (found.style == CheckpointStyle::kSuperPointRpautrat) card["descriptor_sampling"] = "cell_centres";
  if (IsSuperPoint(found.style)) {
    if (FoldCheckpointNorms(found, path))
      report.notes.push_back("its batch normalisation is folded into the convolutions");
    SaveImportedSuperPoint(found.tensors, card, path, safetensors_path);
    report.network = kSuperPointName;
  } else {
    SaveImportedSuperGlue(std::move(found.tensors), card, path, safetensors_path);
    report.network = kSuperGlueName;
  }
  return report;
}

std::string ImportPth(const std::string& pth_path, const std::string& safetensors_path,
                      const Metadata& metadata) {
  return ImportWeights(pth_path, safetensors_path, metadata).network;
}

}  // namespace colmatch
