// A fixed code of positions for SuperGlue's keypoint encoder, in the official layers.
//
// A small network of ReLUs learns functions of a position only that change slowly (Rahaman 2019, "On the
// Spectral Bias of Neural Networks"); sines of many frequencies as its input help (Tancik 2020, "Fourier
// Features Let Networks Learn High Frequency Functions"). Here triangular waves stand for the sines, because
// two layers of ReLUs give them exactly: the file stays one that the official network reads.
#pragma once

#include <torch/types.h>

#include <vector>

namespace colmatch {

// Hidden widths of a code of `octaves` wavelengths in x and in y, from 8 / 2^octaves in NormalizeKeypoints'
// frame (14 pixels of a photo 640 pixels wide for 8 octaves) to 4, each twice the one before: 2 * 2^octaves +
// 1 and 8 * octaves + 1.
std::vector<int> KeypointCodeWidths(int octaves);

// Whether hidden widths are those of a code.
bool IsKeypointCode(const std::vector<int>& widths);

// Fills the two layers, weights (out, in, 1) and biases (out), of widths KeypointCodeWidths gives. All values
// are exact in float16. The code of a keypoint: for each axis and wavelength the positive and negative part
// of a wave of amplitude 1/2 at two phases, a quarter apart; then its score.
void FillKeypointCode(torch::Tensor& weight0, torch::Tensor& bias0, torch::Tensor& weight1,
                      torch::Tensor& bias1);

}  // namespace colmatch
