// From the names that programs give a network's tensors to the official ones.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network/formats/pth_reader.h"

namespace colmatch {

enum class CheckpointStyle {
  kSuperPoint,             // official names
  kSuperPointHuggingFace,  // encoder.conv_blocks.0.conv_a
  kSuperPointRpautrat,     // backbone.0.0.conv: batch normalisation behind the ReLU
  kSuperPointYyjau,        // inc.conv.conv.0: batch normalisation before the ReLU
  kSuperGlue,              // official names
};
const char* NameOf(CheckpointStyle style);
bool IsSuperPoint(CheckpointStyle style);

// A network found in a file.
struct FoundNetwork {
  CheckpointStyle style = CheckpointStyle::kSuperPoint;
  std::string label;   // the dictionary and the prefix, what --entry takes; may be empty
  std::string prefix;  // of the names, taken off
  // Official names; batch normalisations of SuperPoint as NAME.bn.weight and so on, where NAME is a
  // convolution's.
  std::map<std::string, StoredTensor> tensors;
  std::vector<std::string> left;  // names of the dictionary that were not taken
};

// Every network in these groups.
std::vector<FoundNetwork> FindNetworks(const std::vector<TensorGroup>& groups);

}  // namespace colmatch
