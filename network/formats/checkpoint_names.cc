// Names in checkpoints; see checkpoint_names.h.
#include "network/formats/checkpoint_names.h"

#include <optional>
#include <utility>

namespace colmatch {
namespace {

bool StartsWith(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

struct StyleMark {
  CheckpointStyle style;
  const char* entry;  // every file of the style has it
};

constexpr StyleMark kMarks[] = {
    {CheckpointStyle::kSuperPoint, "conv1a.weight"},
    {CheckpointStyle::kSuperPointHuggingFace, "encoder.conv_blocks.0.conv_a.weight"},
    {CheckpointStyle::kSuperPointRpautrat, "backbone.0.0.conv.weight"},
    {CheckpointStyle::kSuperPointYyjau, "inc.conv.conv.0.weight"},
    {CheckpointStyle::kSuperGlue, "bin_score"}};

// Other names of modules, each followed by a dot and the tensor's own name.
using Renaming = std::vector<std::pair<std::string, std::string>>;

Renaming HuggingFaceNames() {
  Renaming names = {{"keypoint_decoder.conv_score_a", "convPa"},
                    {"keypoint_decoder.conv_score_b", "convPb"},
                    {"descriptor_decoder.conv_descriptor_a", "convDa"},
                    {"descriptor_decoder.conv_descriptor_b", "convDb"}};
  for (int block = 0; block < 4; ++block) {
    for (const char* half : {"a", "b"}) {
      names.emplace_back("encoder.conv_blocks." + std::to_string(block) + ".conv_" + half,
                         "conv" + std::to_string(block + 1) + half);
    }
  }
  return names;
}

Renaming RpautratNames() {
  Renaming names;
  const auto add = [&names](const std::string& block, const std::string& name) {
    names.emplace_back(block + ".conv", name);
    names.emplace_back(block + ".bn", name + ".bn");
  };
  for (int block = 0; block < 4; ++block) {
    const std::string of_block = "backbone." + std::to_string(block),
                      name = "conv" + std::to_string(block + 1);
    add(of_block + ".0", name + "a");
    add(of_block + ".1", name + "b");
  }
  add("detector.0", "convPa");
  add("detector.1", "convPb");
  add("descriptor.0", "convDa");
  add("descriptor.1", "convDb");
  return names;
}

Renaming YyjauNames() {
  Renaming names;
  for (int block = 0; block < 4; ++block) {
    const std::string of_block =
        block == 0 ? "inc.conv.conv." : "down" + std::to_string(block) + ".mpconv.1.conv.";
    const std::string name = "conv" + std::to_string(block + 1);
    names.emplace_back(of_block + "0", name + "a");
    names.emplace_back(of_block + "1", name + "a.bn");
    names.emplace_back(of_block + "3", name + "b");
    names.emplace_back(of_block + "4", name + "b.bn");
  }
  for (const char* head : {"Pa", "Pb", "Da", "Db"}) {
    names.emplace_back(std::string("bn") + head, std::string("conv") + head + ".bn");
    names.emplace_back(std::string("conv") + head, std::string("conv") + head);
  }
  return names;
}

Renaming NamesOf(CheckpointStyle style) {
  switch (style) {
    case CheckpointStyle::kSuperPointHuggingFace:
      return HuggingFaceNames();
    case CheckpointStyle::kSuperPointRpautrat:
      return RpautratNames();
    case CheckpointStyle::kSuperPointYyjau:
      return YyjauNames();
    case CheckpointStyle::kSuperPoint: {
      Renaming names;
      for (const char* name : {"1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b", "Pa", "Pb", "Da", "Db"})
        names.emplace_back(std::string("conv") + name, std::string("conv") + name);
      return names;
    }
    case CheckpointStyle::kSuperGlue:
      break;
  }
  return {};
}

// SuperGlue's modules have their official names everywhere.
bool IsOfSuperGlue(const std::string& name) {
  for (const char* start : {"kenc.", "gnn.", "final_proj.", "bin_score"}) {
    if (StartsWith(name, start)) return true;
  }
  return false;
}

// A counter that profilers (thop) leave beside each module.
bool IsProfile(const std::string& name) {
  return EndsWith("." + name, ".total_ops") || EndsWith("." + name, ".total_params");
}

// The official name of a name without prefix; none: it is no part of the network.
std::optional<std::string> OfficialName(CheckpointStyle style, const Renaming& names,
                                        const std::string& name) {
  if (IsProfile(name)) return std::nullopt;
  if (style == CheckpointStyle::kSuperGlue) return IsOfSuperGlue(name) ? std::optional(name) : std::nullopt;
  for (const auto& [module, official] : names) {
    if (StartsWith(name, module + ".") && name.find('.', module.size() + 1) == std::string::npos)
      return official + name.substr(module.size());
  }
  return std::nullopt;
}

std::string Label(const std::string& path, std::string prefix) {
  if (!prefix.empty()) prefix.pop_back();  // its dot
  return path + (path.empty() || prefix.empty() ? "" : ".") + prefix;
}

FoundNetwork Take(const TensorGroup& group, CheckpointStyle style, const std::string& prefix) {
  FoundNetwork found;
  found.style = style;
  found.prefix = prefix;
  found.label = Label(group.path, prefix);
  const Renaming names = NamesOf(style);
  for (const auto& [name, tensor] : group.tensors) {
    std::optional<std::string> official;
    if (StartsWith(name, prefix)) official = OfficialName(style, names, name.substr(prefix.size()));
    if (official) {
      found.tensors[*official] = tensor;
    } else {
      found.left.push_back(name);
    }
  }
  return found;
}

}  // namespace

const char* NameOf(CheckpointStyle style) {
  switch (style) {
    case CheckpointStyle::kSuperPoint:
      return "SuperPoint";
    case CheckpointStyle::kSuperPointHuggingFace:
      return "SuperPoint under Hugging Face's names";
    case CheckpointStyle::kSuperPointRpautrat:
      return "SuperPoint under rpautrat's names";
    case CheckpointStyle::kSuperPointYyjau:
      return "SuperPoint under eric-yyjau's names";
    case CheckpointStyle::kSuperGlue:
      break;
  }
  return "SuperGlue";
}

bool IsSuperPoint(CheckpointStyle style) { return style != CheckpointStyle::kSuperGlue; }

std::vector<FoundNetwork> FindNetworks(const std::vector<TensorGroup>& groups) {
  std::vector<FoundNetwork> networks;
  for (const TensorGroup& group : groups) {
    for (const StyleMark& mark : kMarks) {
      for (const auto& [name, tensor] : group.tensors) {
        if (!EndsWith("." + name, std::string(".") + mark.entry)) continue;
        const std::string prefix = name.substr(0, name.size() - std::string(mark.entry).size());
        networks.push_back(Take(group, mark.style, prefix));
      }
    }
  }
  return networks;
}

}  // namespace colmatch
