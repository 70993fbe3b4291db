// SuperPoint; see superpoint.h.
#include "network/superpoint.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "network/kernels/cell_softmax.h"
#include "network/shared_parameters.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace F = torch::nn::functional;

constexpr const char* kHiddenNames[] = {"conv1a", "conv1b", "conv2a", "conv2b", "conv3a",
                                        "conv3b", "conv4a", "conv4b", "convPa", "convDa"};
constexpr size_t kNumEncoder = 8;
constexpr size_t kDetectorHead = 8;
constexpr size_t kDescriptorHead = 9;

// Whether the encoder's layers of this scale end with it.
bool EndsScale(size_t index) { return index % 2 == 1 && index + 1 < kNumEncoder; }

// A 1 x 1 convolution. Of channels last on the CPU it is a product of matrices, for which LibTorch's
// convolution would copy its input and its result.
torch::Tensor Project(torch::nn::Conv2d& convolution, const torch::Tensor& x) {
  const int64_t batch = x.size(0), h = x.size(2), w = x.size(3);
  const bool channels_last =
      x.stride(1) == 1 && x.stride(2) == w * x.stride(3) && (batch == 1 || x.stride(0) == h * x.stride(2));
  if (!x.is_cpu() || !channels_last) return convolution->forward(x);
  const auto pixels = x.as_strided({batch * h * w, x.size(1)}, {x.stride(3), 1});
  return torch::addmm(convolution->bias, pixels, convolution->weight.flatten(1).t())
      .view({batch, h, w, -1})
      .permute({0, 3, 1, 2});
}

}  // namespace

void SuperPointArchitecture::Validate() const {
  const auto require = [](const char* field, int value) {
    if (value < 1 || value > 4096) {
      throw WeightsError(std::string("SuperPoint architecture: ") + field + " must be in [1, 4096], found " +
                         std::to_string(value));
    }
  };
  for (const int width : encoder_widths) require("encoder_widths", width);
  require("head_width", head_width);
  require("descriptor_dim", descriptor_dim);
  if (scales.empty()) throw WeightsError("SuperPoint architecture: scales are missing");
  if (!(place_radius >= 0 && place_radius <= kMaxPlaceRadius))
    throw WeightsError("SuperPoint architecture: place_radius must be in [0, 64] pixels, found " +
                       std::to_string(place_radius));
  if (const std::string problem = ProblemOfScales(scales); !problem.empty())
    throw WeightsError("SuperPoint architecture: scales must be " + problem);
}

std::string ProblemOfScales(const std::vector<double>& scales) {
  constexpr size_t kMost = 16;
  if (scales.size() > kMost) return "at most 16, found " + std::to_string(scales.size());
  for (auto scale = scales.begin(); scale != scales.end(); ++scale) {
    if (!(*scale >= 1.0 / 16 && *scale <= 4)) return "in [0.0625, 4], found " + std::to_string(*scale);
    if (std::find(scales.begin(), scale, *scale) != scale)
      return "different, found " + std::to_string(*scale) + " twice";
  }
  return {};
}

SuperPointImpl::SuperPointImpl(const SuperPointArchitecture& architecture) : architecture_(architecture) {
  architecture_.Validate();
  int in = 1;
  for (size_t i = 0; i < kNumEncoder; ++i) {
    const int out = architecture_.encoder_widths[i / 2];
    hidden_.push_back(AddConvolution(kHiddenNames[i], in, out, 3));
    in = out;
  }
  for (const size_t head : {kDetectorHead, kDescriptorHead}) {
    hidden_.push_back(AddConvolution(kHiddenNames[head], in, architecture_.head_width, 3));
  }
  convPb_ = AddConvolution("convPb", architecture_.head_width, kCellSize * kCellSize + 1, 1);
  convDb_ = AddConvolution("convDb", architecture_.head_width, architecture_.descriptor_dim, 1);
  if (architecture_.batch_norm) {
    for (size_t i = 0; i < hidden_.size(); ++i) {
      const auto norm = torch::nn::BatchNorm2d(hidden_[i]->options.out_channels());
      norms_.push_back(register_module(std::string("bn") + (kHiddenNames[i] + 4), norm));
    }
  }
}

torch::nn::Conv2d SuperPointImpl::AddConvolution(const std::string& name, int in, int out, int kernel) {
  const auto options = torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2);
  return register_module(name, torch::nn::Conv2d(options));
}

torch::Tensor SuperPointImpl::Hidden(size_t index, const torch::Tensor& x) {
  torch::Tensor y = hidden_[index]->forward(x);
  if (takes_statistics_) {
    const auto& norm = norms_[index];
    const auto [variance, mean] = torch::var_mean(y, {0, 2, 3}, /*unbiased=*/false);
    norm->weight.copy_(torch::sqrt(variance + norm->options.eps()));
    norm->bias.copy_(mean);
    norm->running_mean.copy_(mean);
    norm->running_var.copy_(variance);
  }
  if (!norms_.empty()) y = norms_[index]->forward(y);
  return torch::relu_(y);
}

torch::Tensor SuperPointImpl::Encoder(torch::Tensor x) {
  for (size_t i = 0; i < kNumEncoder; ++i) {
    x = Hidden(i, x);
    if (EndsScale(i)) x = torch::max_pool2d(x, 2);
  }
  return x;
}

void SuperPointImpl::SetBatchNormToStatistics(const torch::Tensor& images) {
  TORCH_CHECK(!norms_.empty(), "SuperPoint: has no batch normalisation to set");
  torch::NoGradGuard no_grad;
  takes_statistics_ = true;
  forward(images);
  takes_statistics_ = false;
}

SuperPointOutput SuperPointImpl::forward(const torch::Tensor& image) {
  TORCH_CHECK(image.dim() == 4 && image.size(1) == 1, "SuperPoint: image must be (B, 1, H, W), got ",
              image.sizes());
  TORCH_CHECK(image.size(2) >= kCellSize && image.size(3) >= kCellSize,
              "SuperPoint: image must be at least 8 x 8 pixels, got ", image.sizes());
  const torch::Tensor x = Encoder(image);
  return Output(Hidden(kDetectorHead, x), Hidden(kDescriptorHead, x));
}

SuperPointOutput SuperPointImpl::Output(const torch::Tensor& detector, const torch::Tensor& descriptor) {
  SuperPointOutput output;
  output.sampling = architecture_.sampling;
  output.logits = Project(convPb_, detector);
  output.descriptors = F::normalize(Project(convDb_, descriptor), F::NormalizeFuncOptions().p(2).dim(1));
  return output;
}

std::vector<SuperPointImpl::Convolution> SuperPointImpl::HiddenConvolutions() const {
  TORCH_CHECK(norms_.empty(), "SuperPoint: expected batch normalisation to be folded");
  torch::NoGradGuard no_grad;
  std::vector<Convolution> layers;
  for (size_t i = 0; i < kNumEncoder; ++i)
    layers.push_back({hidden_[i]->weight, hidden_[i]->bias, EndsScale(i)});
  const auto &detector = hidden_[kDetectorHead], &descriptor = hidden_[kDescriptorHead];
  layers.push_back({torch::cat({detector->weight, descriptor->weight}),
                    torch::cat({detector->bias, descriptor->bias}),
                    /*pooled=*/false});
  return layers;
}

torch::Tensor ScoresFromLogits(const torch::Tensor& logits) {
  TORCH_CHECK(logits.dim() == 4 && logits.size(1) == kCellSize * kCellSize + 1,
              "ScoresFromLogits: logits must be (B, 65, h, w), got ", logits.sizes());
  if (logits.is_cpu() && logits.scalar_type() == torch::kFloat && !logits.requires_grad()) {
    const auto cells = logits.permute({0, 2, 3, 1}).contiguous();
    const int64_t batch = cells.size(0), h = cells.size(1), w = cells.size(2);
    auto scores = torch::empty({batch, h * kCellSize, w * kCellSize});
    at::parallel_for(0, batch * h, /*grain_size=*/16, [&](int64_t first, int64_t last) {
      CellSoftmax(cells.data_ptr<float>(), w, first, last, scores.data_ptr<float>());
    });
    return scores;
  }
  const auto probabilities = torch::softmax(logits, 1).narrow(1, 0, kCellSize * kCellSize);
  return torch::pixel_shuffle(probabilities, kCellSize).squeeze(1);
}

SuperPoint FoldBatchNorm(SuperPoint& network) {
  torch::NoGradGuard no_grad;
  SuperPointArchitecture architecture = network->architecture();
  const bool folded = architecture.batch_norm;
  architecture.batch_norm = false;
  SuperPoint result(architecture);
  const auto from = network->named_parameters();
  const auto buffers = network->named_buffers();
  CopySharedParameters(*network, *result);
  if (folded) {
    auto parameters = result->named_parameters();
    for (const char* name : kHiddenNames) {
      const std::string norm = std::string("bn") + (name + 4);
      // y = (conv(x) - mean) / sqrt(var + eps) * gamma + beta
      const auto scale = from[norm + ".weight"] / torch::sqrt(buffers[norm + ".running_var"] + 1e-5);
      auto& weight = parameters[std::string(name) + ".weight"];
      auto& bias = parameters[std::string(name) + ".bias"];
      weight.mul_(scale.view({-1, 1, 1, 1}));
      bias.sub_(buffers[norm + ".running_mean"]).mul_(scale).add_(from[norm + ".bias"]);
    }
  }
  return result;
}

SuperPoint InsertBatchNorm(SuperPoint& network, const torch::Tensor& images) {
  torch::NoGradGuard no_grad;
  SuperPoint plain = FoldBatchNorm(network);
  SuperPointArchitecture architecture = network->architecture();
  architecture.batch_norm = true;
  SuperPoint result(architecture);
  CopySharedParameters(*plain, *result);
  result->eval();
  result->SetBatchNormToStatistics(images);
  return result;
}

SuperPoint Widen(SuperPoint& network, const SuperPointArchitecture& architecture) {
  torch::NoGradGuard no_grad;
  SuperPoint from = FoldBatchNorm(network);
  SuperPointArchitecture wider = architecture;
  wider.batch_norm = false;
  SuperPoint result(wider);
  const auto old = from->named_parameters();
  for (auto& item : result->named_parameters()) {
    const torch::Tensor& narrow = old[item.key()];
    torch::Tensor& value = item.value();
    const bool is_output = item.key().find("convPb") == 0 || item.key().find("convDb") == 0;
    if (narrow.size(0) > value.size(0) || (is_output && narrow.size(0) != value.size(0)) ||
        (value.dim() == 4 && narrow.size(1) > value.size(1))) {
      std::ostringstream shapes;
      shapes << narrow.sizes() << " does not fit into " << value.sizes();
      throw WeightsError(
          "SuperPoint: '" + item.key() + "' " + shapes.str() +
          ": a network can only go on as one that is as wide or wider, with the same descriptor");
    }
    if (value.dim() == 4) {
      torch::nn::init::kaiming_normal_(value, 0.0, torch::kFanIn, torch::kReLU);
      value.narrow(0, 0, narrow.size(0)).zero_();  // what was there reads no new channel
      value.narrow(0, 0, narrow.size(0)).narrow(1, 0, narrow.size(1)).copy_(narrow);
    } else {
      value.zero_();
      value.narrow(0, 0, narrow.size(0)).copy_(narrow);
    }
  }
  result->train(network->is_training());
  return result;
}

}  // namespace colmatch
