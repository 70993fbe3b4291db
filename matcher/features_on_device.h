// Features and matches moved between devices.
#pragma once

#include "network/features.h"

namespace colmatch {

Features ToDevice(const Features& features, const torch::Device& device);
FeatureMatches OnCpu(const FeatureMatches& matches);

}  // namespace colmatch
