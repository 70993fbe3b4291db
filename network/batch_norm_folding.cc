// Folding; see batch_norm_folding.h.
#include "network/batch_norm_folding.h"

#include <torch/torch.h>

#include <array>

#include "network/stored_tensor.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Tensors = std::map<std::string, StoredTensor>;

constexpr double kTorchEps = 1e-5, kRpautratEps = 1e-3;  // not in the files

constexpr std::array<const char*, 8> kEncoder = {"conv1a", "conv1b", "conv2a", "conv2b",
                                                 "conv3a", "conv3b", "conv4a", "conv4b"};
constexpr std::array<const char*, 4> kHeads = {"convPa", "convPb", "convDa", "convDb"};

// Folding is done in double precision.
class Folder {
 public:
  Folder(Tensors& tensors, std::string path, double eps)
      : tensors_(tensors), path_(std::move(path)), eps_(eps) {}

  bool HasNorm(const std::string& name) const { return tensors_.count(name + ".bn.running_mean") != 0; }

  torch::Tensor Get(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw WeightsError(path_ + ": entry '" + name + "' is missing");
    return TensorOf(found->second, path_ + ": entry '" + name + "'").to(torch::kDouble);
  }

  void Set(const std::string& name, const torch::Tensor& value) {
    const auto narrow = value.to(torch::kFloat).contiguous();
    tensors_[name] = {ScalarType::kF32, narrow.sizes().vec(),
                      std::string(static_cast<const char*>(narrow.data_ptr()), narrow.nbytes())};
  }

  // The normalisation as y = scale x + shift; it is removed.
  void TakeNorm(const std::string& name, torch::Tensor& scale, torch::Tensor& shift) {
    const std::string norm = name + ".bn.";
    const auto channels = Get(name + ".bias").sizes().vec();
    for (const char* entry : {"weight", "bias", "running_mean", "running_var"}) {
      if (Get(norm + entry).sizes().vec() != channels) {
        throw WeightsError(path_ + ": the batch normalisation of " + name +
                           " has other channels than its convolution");
      }
    }
    scale = Get(norm + "weight") / torch::sqrt(Get(norm + "running_var") + eps_);
    shift = Get(norm + "bias") - Get(norm + "running_mean") * scale;
    for (const char* entry : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
      tensors_.erase(norm + entry);
  }

  // One that follows the convolution at once.
  void FoldBehind(const std::string& name) {
    torch::Tensor scale, shift;
    TakeNorm(name, scale, shift);
    Set(name + ".weight", Get(name + ".weight") * scale.view({-1, 1, 1, 1}));
    Set(name + ".bias", Get(name + ".bias") * scale + shift);
  }

  // What comes from before: the convolution reads scale x + shift instead of x. carrier: x has a last channel
  // of ones for the shift; without it there is no padding, and the bias takes it.
  void FoldBefore(const std::string& name, const torch::Tensor& scale, const torch::Tensor& shift,
                  bool carrier) {
    const auto weight = Get(name + ".weight");
    if (weight.dim() != 4 || weight.size(1) != scale.size(0)) {
      throw WeightsError(path_ + ": entry '" + name + ".weight' does not fit the layer before it");
    }
    const auto scaled = weight * scale.view({1, -1, 1, 1});
    const auto of_shift = (weight * shift.view({1, -1, 1, 1})).sum(1, /*keepdim=*/true);
    if (carrier) {
      Set(name + ".weight", torch::cat({scaled, of_shift}, 1));
    } else {
      Set(name + ".weight", scaled);
      Set(name + ".bias", Get(name + ".bias") + of_shift.sum({1, 2, 3}));
    }
  }

  // One more output, which is 1 wherever the image is.
  void AddCarrier(const std::string& name) {
    const auto weight = Get(name + ".weight"), bias = Get(name + ".bias");
    auto sizes = weight.sizes().vec();
    sizes[0] = 1;
    Set(name + ".weight", torch::cat({weight, torch::zeros(sizes, weight.options())}));
    Set(name + ".bias", torch::cat({bias, torch::ones({1}, bias.options())}));
  }

  void RequirePositive(const std::string& name, const torch::Tensor& scale) const {
    if (scale.gt(0).all().item<bool>()) return;
    throw WeightsError(path_ + ": the batch normalisation of " + name +
                       " turns a channel round before it is pooled, which convolutions alone cannot do");
  }

 private:
  Tensors& tensors_;
  std::string path_;
  double eps_;
};

// conv, ReLU, normalisation: each goes into what comes next.
void FoldBehindRelu(Folder& folder) {
  torch::Tensor scale, shift;
  for (size_t i = 0; i < kEncoder.size(); ++i) {
    const std::string name = kEncoder[i];
    if (i > 0) folder.FoldBefore(name, scale, shift, true);
    folder.TakeNorm(name, scale, shift);
    folder.AddCarrier(name);
    const bool is_pooled = i % 2 == 1 && i + 1 < kEncoder.size();
    if (is_pooled) folder.RequirePositive(name, scale);
  }
  for (const char* head : {"P", "D"}) {
    const std::string hidden = std::string("conv") + head + "a", last = std::string("conv") + head + "b";
    folder.FoldBefore(hidden, scale, shift, true);
    torch::Tensor head_scale, head_shift;
    folder.TakeNorm(hidden, head_scale, head_shift);
    folder.FoldBehind(last);
    folder.FoldBefore(last, head_scale, head_shift, false);
  }
}

}  // namespace

bool FoldCheckpointNorms(FoundNetwork& found, const std::string& path) {
  const bool behind_relu = found.style == CheckpointStyle::kSuperPointRpautrat;
  Folder folder(found.tensors, path, behind_relu ? kRpautratEps : kTorchEps);
  bool any = false;
  for (const char* name : kEncoder) any |= folder.HasNorm(name);
  for (const char* name : kHeads) any |= folder.HasNorm(name);
  if (!any) return false;
  if (behind_relu) {
    FoldBehindRelu(folder);
    return true;
  }
  for (const char* name : kEncoder) {
    if (folder.HasNorm(name)) folder.FoldBehind(name);
  }
  for (const char* name : kHeads) {
    if (folder.HasNorm(name)) folder.FoldBehind(name);
  }
  return true;
}

}  // namespace colmatch
