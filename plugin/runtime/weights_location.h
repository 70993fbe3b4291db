// Which weights files --weights means.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

struct WeightsPaths {
  std::string superpoint, superglue;  // files
};

// NAME (a folder below one of the weights folders), a folder with superpoint.safetensors and
// superglue.safetensors, a single file (SuperPoint alone; or SuperGlue on the default SuperPoint), or
// superpoint=PATH,superglue=PATH. Throws UsageError naming what was looked for and where.
WeightsPaths ResolveWeights(const std::string& weights);

// Which network a weights file says it holds: kSuperPointName or kSuperGlueName. Throws WeightsError.
std::string NetworkInFile(const std::string& path);

// One more folder to find named weights in, after $COLMATCH_WEIGHTS: where the program is not colmatch itself
// (python/).
void AddWeightsFolder(const std::string& folder);

// Where named weights are looked for: $COLMATCH_WEIGHTS, the added folders, beside the program, the installed
// and the source folder.
std::vector<std::string> WeightsFolders();

}  // namespace colmatch
