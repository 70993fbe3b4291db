// Costs and rates; see flops.h.
#include "network/flops.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace colmatch {
namespace {

double MatrixProduct(double rows, double inner, double columns) { return 2 * rows * inner * columns; }

double Convolution(int64_t pixels, int in, int out, int kernel) {
  return MatrixProduct(static_cast<double>(pixels), static_cast<double>(in) * kernel * kernel, out);
}

// Rows through the linear layers of an Mlp.
double Layers(int64_t rows, const std::vector<int>& widths) {
  double sum = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i)
    sum += MatrixProduct(static_cast<double>(rows), widths[i], widths[i + 1]);
  return sum;
}

}  // namespace

double SuperPointFlops(const SuperPointArchitecture& a, int64_t height, int64_t width) {
  double sum = 0;
  int in = 1;
  for (size_t scale = 0; scale < a.encoder_widths.size(); ++scale) {
    const int out = a.encoder_widths[scale];
    const int64_t pixels = (height >> scale) * (width >> scale);
    sum += Convolution(pixels, in, out, 3) + Convolution(pixels, out, out, 3);
    in = out;
  }
  const int64_t cells = (height / kCellSize) * (width / kCellSize);
  sum += 2 * Convolution(cells, in, a.head_width, 3);
  sum += Convolution(cells, a.head_width, kCellSize * kCellSize + 1, 1);
  return sum + Convolution(cells, a.head_width, a.descriptor_dim, 1);
}

double ExtractionFlops(const SuperPointArchitecture& a, int64_t height, int64_t width) {
  double sum = 0;
  for (const double scale : a.scales) {
    sum += SuperPointFlops(a, std::llround(static_cast<double>(height) * scale),
                           std::llround(static_cast<double>(width) * scale));
  }
  return sum;
}

double SuperGlueFlops(const SuperGlueArchitecture& a, int64_t n, int64_t m) {
  const int d = a.descriptor_dim;
  std::vector<int> encoder = {3};
  encoder.insert(encoder.end(), a.keypoint_encoder.begin(), a.keypoint_encoder.end());
  encoder.push_back(d);
  // Query, key, value and merge; scores and message; the residual's Mlp.
  const auto propagation = [&](int64_t rows, int64_t source) {
    const int attention = a.AttentionDim();
    return 2 * Layers(rows, {d, attention}) + 2 * Layers(source, {d, attention}) +
           2 * MatrixProduct(static_cast<double>(rows), attention, static_cast<double>(source)) +
           Layers(rows, {2 * d, a.MlpHidden(), d});
  };
  const double self = propagation(n, n) + propagation(m, m), cross = propagation(n, m) + propagation(m, n);
  return Layers(n + m, encoder) + a.num_layer_pairs * (self + cross) + Layers(n + m, {d, d}) +
         MatrixProduct(static_cast<double>(n), d, static_cast<double>(m));
}

}  // namespace colmatch
