// SuperPoint's convolutions in bf16; see packed_superpoint.h.
#include "network/engines/packed_superpoint.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <utility>

namespace colmatch {

PackedSuperPoint::PackedSuperPoint(const std::vector<SuperPointImpl::Convolution>& layers)
    : outputs_(layers.back().weight.size(0)) {
  for (const auto& layer : layers) {
    const auto weight = layer.weight.to(torch::kFloat).contiguous(),
               bias = layer.bias.to(torch::kFloat).contiguous();
    layers_.push_back(
        {Bf16Convolution(weight.data_ptr<float>(), bias.data_ptr<float>(), weight.size(0), weight.size(1)),
         layer.pooled});
  }
}

const Bf16Image& PackedSuperPoint::RunLayers(const float* pixels, int64_t height, int64_t width) const {
  thread_local Bf16Image images[2];  // a layer's input and output, by turns
  Bf16Image *in = &images[0], *out = &images[1];
  in->SetNeighbours(pixels, height, width);
  for (const PackedLayer& layer : layers_) {
    const int64_t scale = layer.pooled ? 2 : 1;
    out->Resize(in->height() / scale, in->width() / scale, layer.convolution.OutputChannels());
    at::parallel_for(0, out->height(), /*grain_size=*/1, [&](int64_t first, int64_t last) {
      if (layer.pooled) {
        layer.convolution.RunPooled(*in, first, last, *out);
      } else {
        layer.convolution.Run(*in, first, last, *out);
      }
    });
    std::swap(in, out);
  }
  return *in;
}

torch::Tensor PackedSuperPoint::Run(const torch::Tensor& image) const {
  const auto pixels = image.to(torch::kFloat).contiguous();
  torch::Tensor result;
  for (int64_t b = 0; b < pixels.size(0); ++b) {
    const Bf16Image& last = RunLayers(pixels[b].data_ptr<float>(), pixels.size(2), pixels.size(3));
    if (b == 0) result = torch::empty({pixels.size(0), last.height(), last.width(), outputs_});
    float* to = result[b].data_ptr<float>();
    for (int64_t y = 0; y < last.height(); ++y) {
      for (int64_t x = 0; x < last.width(); ++x, to += outputs_)
        std::transform(last.At(y, x), last.At(y, x) + outputs_, to, FloatFromBf16);
    }
  }
  return result.permute({0, 3, 1, 2});
}

}  // namespace colmatch
