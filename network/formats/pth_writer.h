// State dicts as PyTorch's own programs read them: torch.load(path, weights_only=True). SaveSuperPoint and
// SaveSuperGlue write them where the path ends in .pth or .pt; there is no metadata in them.
#pragma once

#include <map>
#include <string>

#include "network/formats/safetensors.h"

namespace colmatch {

// A file of torch.save (zip, since PyTorch 1.6): an OrderedDict of names to tensors on the CPU, by name. F32,
// F16 and I64 tensors. Throws WeightsError for others.
std::string SerializePth(const std::map<std::string, StoredTensor>& tensors, const std::string& name);

}  // namespace colmatch
