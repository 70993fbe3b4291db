// Batch normalisation of imported SuperPoints, folded into the convolutions around it.
#pragma once

#include <string>

#include "network/formats/checkpoint_names.h"

namespace colmatch {

// Tensors NAME.bn.* become part of NAME.weight and NAME.bias, or of the convolutions that follow; the
// function of the image stays the same. Before a ReLU (eric-yyjau) and behind the last convolutions the
// normalisation is linear in the convolution's output. Behind a ReLU (rpautrat) y = s relu(x) + t belongs to
// the next convolution, whose zero padding knows nothing of t: the encoder gets one channel more, which is 1
// inside the image and carries it. Returns whether there was any. Throws WeightsError where entries are
// missing or misshaped, and where a channel that is pooled has s <= 0, which no convolution can take over.
bool FoldCheckpointNorms(FoundNetwork& found, const std::string& path);

}  // namespace colmatch
