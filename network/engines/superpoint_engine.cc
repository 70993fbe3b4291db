// The choice of a form of SuperPoint; see superpoint_engine.h.
#include "network/engines/superpoint_engine.h"

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "network/engines/packed_superpoint.h"
#include "network/kernels/bf16.h"

namespace colmatch {
namespace {

using Convolutions = std::vector<SuperPointImpl::Convolution>;

// Both heads' hidden layers (B, 2 head_width, h, w) to the output.
SuperPointOutput OutputOf(SuperPoint network, const torch::Tensor& heads) {
  const int64_t width = network->architecture().head_width;
  return network->Output(heads.narrow(1, 0, width), heads.narrow(1, width, width));
}

torch::Tensor RunOnGpu(const Convolutions& layers, const torch::Tensor& image) {
  auto x = image.to(layers[0].weight.scalar_type()).contiguous(torch::MemoryFormat::ChannelsLast);
  for (const auto& layer : layers) {
    x = torch::conv2d(x, layer.weight, layer.bias, /*stride=*/1, /*padding=*/1);
    torch::relu_(x);
    if (layer.pooled) x = torch::max_pool2d(x, 2);
  }
  return x.to(torch::kFloat);
}

DenseNetwork::Forward Plain(SuperPoint network) {
  return [network](const torch::Tensor& image) mutable {
    torch::NoGradGuard no_grad;
    return network->forward(image);
  };
}

DenseNetwork::Forward PackedOnCpu(SuperPoint network) {
  const auto engine = std::make_shared<const PackedSuperPoint>(network->HiddenConvolutions());
  return [network, engine](const torch::Tensor& image) {
    torch::NoGradGuard no_grad;
    return OutputOf(network, engine->Run(image));
  };
}

DenseNetwork::Forward HalvesOnGpu(SuperPoint network, torch::ScalarType type) {
  Convolutions layers = network->HiddenConvolutions();
  for (auto& layer : layers) {
    layer.weight = layer.weight.detach().to(type).contiguous(torch::MemoryFormat::ChannelsLast);
    layer.bias = layer.bias.detach().to(type);
  }
  return [network, layers](const torch::Tensor& image) mutable {
    torch::NoGradGuard no_grad;
    return image.is_cpu() ? network->forward(image) : OutputOf(network, RunOnGpu(layers, image));
  };
}

}  // namespace

Precision SuperPointPrecision(Precision precision, torch::Device device) {
  const bool in_halves =
      ScalarTypeOf(precision) != torch::kFloat && (HasBf16Instructions() || !device.is_cpu());
  return in_halves ? precision : Precision::kFloat32;
}

DenseNetwork MakeSuperPointEngine(SuperPoint network, Precision precision, torch::Device device) {
  const torch::ScalarType type = ScalarTypeOf(precision);
  return {network->architecture().descriptor_dim, type == torch::kFloat ? Plain(network)
                                                  : device.is_cpu()     ? PackedOnCpu(network)
                                                                        : HalvesOnGpu(network, type)};
}

}  // namespace colmatch
