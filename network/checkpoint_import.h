// Weights of other programs into colmatch's files: official ones, checkpoints of training programs, and
// SuperPoint under the names of its common ports. Nothing of the file is run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network/formats/safetensors.h"
#include "network/weights.h"

namespace colmatch {

struct ImportReport {
  std::string network;             // "superpoint" or "superglue"
  std::vector<std::string> notes;  // what was taken and what was left, a line each
};

// A .pth (old pickle or zip) or safetensors file; which network it is, its widths and depth are read off
// names and shapes. Names may have a common prefix ("module.", "superglue."), the tensors may lie in a
// dictionary of the file
// ("state_dict"), beside anything harmless. What is known by other names is renamed: rpautrat's and Hugging
// Face's SuperPoint, eric-yyjau's with batch normalisation, which is folded. Keypoints are found as the
// weights' authors do: without refinement.
//
// entry: where a file has several networks, the one to take, as the error lists them ("model_ema",
// "superglue"); empty: the only one. Throws WeightsError, naming what the file has, where no network or more
// than one fits.
ImportReport ImportWeights(const std::string& path, const std::string& safetensors_path,
                           const Metadata& metadata, const std::string& entry = "");

// The last steps of it: a network of tensors under their official names (weights.cc). path begins error
// messages.
void SaveImportedSuperPoint(const std::map<std::string, StoredTensor>& tensors, const Metadata& metadata,
                            const std::string& path, const std::string& safetensors_path);
void SaveImportedSuperGlue(std::map<std::string, StoredTensor> tensors, const Metadata& metadata,
                           const std::string& path, const std::string& safetensors_path);

}  // namespace colmatch
