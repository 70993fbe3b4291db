// Weights files: safetensors with metadata, read and written strictly; docs/weights_format.md.
#pragma once

#include <map>
#include <set>
#include <string>

#include "network/formats/tensor_coding.h"
#include "network/superglue.h"
#include "network/superpoint.h"

namespace colmatch {

// Free-form text by key: "architecture" and its sizes are ours; licence, provenance, training data, command,
// seed, metrics come from the trainer. std::map: the same metadata give the same bytes.
using Metadata = std::map<std::string, std::string>;

enum class StoredType { kFloat32, kFloat16 };

// Which parameters a file holds compressed (tensor_coding.h), by name; the others are stored as they are. The
// codes must be those of the network that is saved with them.
struct CodedTensors {
  std::map<std::string, CodebookTensor> codebook;
  std::map<std::string, LinearTensor> linear;
  std::set<std::string> sparse;
};

// Write to a temporary name beside path, fsync, rename. Architecture entries are added to the metadata.
void SaveSuperPoint(const SuperPoint& network, const Metadata& metadata, const std::string& path,
                    StoredType type = StoredType::kFloat32, const CodedTensors& coded = {});
void SaveSuperGlue(const SuperGlue& network, const Metadata& metadata, const std::string& path,
                   StoredType type = StoredType::kFloat32, const CodedTensors& coded = {});

struct LoadedSuperPoint {
  SuperPoint network{nullptr};  // evaluation mode, float32, CPU
  Metadata metadata;
  std::string sha256;  // of the file
};
struct LoadedSuperGlue {
  SuperGlue network{nullptr};
  Metadata metadata;
  std::string sha256;
};

// Throw WeightsError naming file and entry for anything missing, extra, misshaped, non-finite or damaged, and
// for a file of another architecture.
LoadedSuperPoint LoadSuperPoint(const std::string& path);
LoadedSuperGlue LoadSuperGlue(const std::string& path);

// An official .pth state_dict (old pickle or zip) to safetensors; which network it is, its widths and depth
// are read off names and shapes. Returns "superpoint" or "superglue".
std::string ImportPth(const std::string& pth_path, const std::string& safetensors_path,
                      const Metadata& metadata);

}  // namespace colmatch
