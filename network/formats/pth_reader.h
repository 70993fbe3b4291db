// Official PyTorch .pth state dicts to plain tensors, without Python, without LibTorch, without running
// anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "network/formats/safetensors.h"

namespace colmatch {

// Reads both formats: before PyTorch 1.6 (a row of pickles, then the storages) and since (an uncompressed
// zip). The pickle machine (pickle.h) knows dictionaries, tuples and tensors only: a file that names any
// other function is refused by that name, and nothing of it is run. Tensors come out row-major. Throws
// WeightsError.
std::map<std::string, StoredTensor> ParsePth(std::string_view bytes, const std::string& name);
std::map<std::string, StoredTensor> ReadPth(const std::string& path);

// The tensors of one dictionary of a checkpoint.
struct TensorGroup {
  std::string path;  // the keys that lead to it, with dots between; empty: the file itself
  std::map<std::string, StoredTensor> tensors;
};

// Every dictionary with tensors of a file that training programs write, where a state_dict lies among
// numbers, settings and the optimizer's state.
std::vector<TensorGroup> ParseCheckpoint(std::string_view bytes, const std::string& name);

}  // namespace colmatch
