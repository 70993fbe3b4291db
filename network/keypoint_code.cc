// The code of positions; see keypoint_code.h.
#include "network/keypoint_code.h"

#include <torch/torch.h>

namespace colmatch {
namespace {

constexpr int kAxes = 2, kPhases = 2, kSigns = 2;
constexpr double kAmplitude = 0.5;

// Slopes that hinges at from, from + 1, ... of `count` add so that their sum is a wave: up for `up` of them,
// then down and up for half a wavelength each, level after the last.
torch::Tensor WaveOfHinges(int64_t count, int64_t half, int64_t up, double slope) {
  auto added = torch::zeros({count});
  float* a = added.data_ptr<float>();
  double now = slope;
  a[0] = static_cast<float>(slope);
  for (int64_t k = up; k + 1 < count; k += half) {
    a[k] = static_cast<float>(-2 * now);
    now = -now;
  }
  a[count - 1] = static_cast<float>(-now);
  return added;
}

}  // namespace

std::vector<int> KeypointCodeWidths(int octaves) {
  return {kAxes * (1 << octaves) + 1, kAxes * kPhases * kSigns * octaves + 1};
}

bool IsKeypointCode(const std::vector<int>& widths) {
  if (widths.size() != 2) return false;
  for (int octaves = 2; octaves <= 12; ++octaves) {
    if (widths == KeypointCodeWidths(octaves)) return true;
  }
  return false;
}

void FillKeypointCode(torch::Tensor& weight0, torch::Tensor& bias0, torch::Tensor& weight1,
                      torch::Tensor& bias1) {
  torch::NoGradGuard no_grad;
  const int64_t hinges = (weight0.size(0) - 1) / kAxes;  // of an axis, at -1, -1 + step, ...
  const double step = 2.0 / static_cast<double>(hinges);
  for (auto* tensor : {&weight0, &bias0, &weight1, &bias1}) tensor->zero_();
  for (int64_t axis = 0; axis < kAxes; ++axis) {
    for (int64_t k = 0; k < hinges; ++k) {
      weight0[axis * hinges + k][axis] = 1;
      bias0[axis * hinges + k] = 1 - step * static_cast<double>(k);
    }
  }
  int64_t row = 0;
  for (int64_t half = 2; half <= hinges; half *= 2) {  // half a wavelength, in steps
    const double slope = 2 * kAmplitude / (step * static_cast<double>(half));
    for (int64_t axis = 0; axis < kAxes; ++axis) {
      for (int64_t phase = 0; phase < kPhases; ++phase) {
        const int64_t up = phase == 0 ? half : half / 2;
        const auto wave = WaveOfHinges(hinges, half, up, slope);
        const double middle = phase == 0 ? kAmplitude : 0;
        for (const double sign : {1.0, -1.0}) {
          weight1[row].narrow(0, axis * hinges, hinges).copy_((sign * wave).unsqueeze(1));
          bias1[row] = -sign * middle;
          ++row;
        }
      }
    }
  }
  // The score, which is not negative.
  weight0[weight0.size(0) - 1][2] = 1;
  weight1[weight1.size(0) - 1][weight0.size(0) - 1] = 1;
}

}  // namespace colmatch
