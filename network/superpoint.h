// SuperPoint: a grey image to dense detection scores and dense descriptors.
// DeTone, Malisiewicz, Rabinovich: "SuperPoint: Self-Supervised Interest Point Detection and Description",
// CVPRW 2018. Parameter names are the official checkpoint's, a file format: never renamed.
#pragma once

#include <torch/nn.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace colmatch {

// One descriptor and one 8 x 8 cell of scores per this many pixels (three 2 x 2 poolings).
inline constexpr int kCellSize = 8;

// Where on the coarse grid a keypoint's descriptor is read.
enum class DescriptorSampling {
  kPublished,  // stretched so that the last cell lies at the image's last pixel: up to 3.5 px off at the far
               // border
  kCellCentres,  // cell i at 8 i + 3.5, where it is ("fix_sampling" of hloc); what our own training uses
};

// Where between the pixels a keypoint lies.
enum class Refinement {
  kHessian,  // at the strongest peak of the determinant of the image's Hessian
  kScores,   // at the mean position of the scores around it, weighted with them (soft argmax)
};

// What our own training uses, and what weights of colmatch mean that were written before this metadata key
// existed.
inline constexpr int kOwnRefinementRadius = 4;
inline constexpr int kMaxRefinementRadius = 16;
inline constexpr double kMaxPlaceRadius = 64;

// Channel counts. The defaults are the published network; narrower ones are our own models.
struct SuperPointArchitecture {
  std::array<int, 4> encoder_widths = {64, 64, 128, 128};  // conv1a/b .. conv4a/b
  int head_width = 256;                                    // convPa and convDa
  int descriptor_dim = 256;
  // Training form: batch normalisation after each hidden convolution. FoldBatchNorm removes it exactly.
  bool batch_norm = false;
  DescriptorSampling sampling = DescriptorSampling::kPublished;
  // Sizes at which an image is processed, as factors of its own; see network/image_pyramid.h.
  std::vector<double> scales = {1};
  // Pixels within which keypoints are refined; 0: they stay on whole pixels, as published.
  int refinement_radius = 0;
  Refinement refinement = Refinement::kHessian;
  // A keypoint's descriptor is the mean over all scales, not that of the scale which detected it (domain-size
  // pooling, Dong and Soatto, CVPR 2015).
  bool pooled_descriptors = false;
  // Pixels within which keypoints of several scales are one place, whose strongest stays; 0: all stay.
  double place_radius = 0;

  void Validate() const;  // throws WeightsError naming the field
};

// What is wrong with them, as "in [..], found ..": each is to be in [1/16, 4], no two alike, 16 at most.
// Empty if nothing is.
std::string ProblemOfScales(const std::vector<double>& scales);

struct SuperPointOutput {
  torch::Tensor logits;       // (B, 65, H/8, W/8); channel 64 is "no keypoint"
  torch::Tensor descriptors;  // (B, D, H/8, W/8), unit length along D
  DescriptorSampling sampling = DescriptorSampling::kPublished;  // how to read them: SampleDescriptors
};

class SuperPointImpl : public torch::nn::Module {
 public:
  explicit SuperPointImpl(const SuperPointArchitecture& architecture = {});

  // image: (B, 1, H, W) float in [0, 1], H and W at least 8. What exceeds a multiple of 8 is ignored.
  SuperPointOutput forward(const torch::Tensor& image);

  // The end of forward: both heads' last maps of what their hidden layers (B, head_width, H/8, W/8) gave.
  SuperPointOutput Output(const torch::Tensor& detector, const torch::Tensor& descriptor);

  // The convolutions with 3 x 3 pixels, ReLU after each, as they are now: conv1a .. conv4b, then convPa and
  // convDa as one. Without batch normalisation only: FoldBatchNorm. For the forms of inference
  // (network/engines/superpoint_engine.h).
  struct Convolution {
    torch::Tensor weight, bias;  // (outputs, inputs, 3, 3) and (outputs)
    bool pooled;                 // 2 x 2 afterwards
  };
  std::vector<Convolution> HiddenConvolutions() const;

  const SuperPointArchitecture& architecture() const { return architecture_; }

  // Batch normalisation that changes nothing for these images; see InsertBatchNorm.
  void SetBatchNormToStatistics(const torch::Tensor& images);

 private:
  torch::nn::Conv2d AddConvolution(const std::string& name, int in, int out, int kernel);
  void AddBatchNorm(const std::string& name, int channels);
  torch::Tensor Encoder(torch::Tensor x);
  torch::Tensor Hidden(size_t index, const torch::Tensor& x);

  SuperPointArchitecture architecture_;
  std::vector<torch::nn::Conv2d> hidden_;  // conv1a .. conv4b, convPa, convDa
  std::vector<torch::nn::BatchNorm2d> norms_;
  torch::nn::Conv2d convPb_{nullptr};
  torch::nn::Conv2d convDb_{nullptr};
  bool takes_statistics_ = false;
};
TORCH_MODULE(SuperPoint);

// SuperPoint's forward, whatever computes it: a SuperPoint itself, or what MakeSuperPointEngine gives.
class DenseNetwork {
 public:
  using Forward = std::function<SuperPointOutput(const torch::Tensor& image)>;

  DenseNetwork(SuperPoint network)  // NOLINT(google-explicit-constructor): a SuperPoint is one
      : descriptor_dim_(network->architecture().descriptor_dim),
        forward_([network](const torch::Tensor& image) mutable { return network->forward(image); }) {}
  DenseNetwork(int descriptor_dim, Forward forward)
      : descriptor_dim_(descriptor_dim), forward_(std::move(forward)) {}

  SuperPointOutput operator()(const torch::Tensor& image) const { return forward_(image); }
  int descriptor_dim() const { return descriptor_dim_; }

 private:
  int descriptor_dim_;
  Forward forward_;
};

// (B, 65, h, w) logits to (B, 8h, 8w) scores: softmax over the cell, "no keypoint" dropped, cells unfolded.
torch::Tensor ScoresFromLogits(const torch::Tensor& logits);

// The same function of the image (evaluation mode) without batch normalisation.
SuperPoint FoldBatchNorm(SuperPoint& network);

// Its inverse, to go on training from weights without batch normalisation: each layer's scale and shift are
// the deviation and mean of its own output for `images` (B, 1, H, W), so that in training mode, too, these
// images give what they gave before.
SuperPoint InsertBatchNorm(SuperPoint& network, const torch::Tensor& images);

// A network of other widths, none smaller, that starts with this one's function: what is new is random
// (torch's generator) but not used yet (Net2Net, Chen 2016). Throws WeightsError for a smaller width
// and for another descriptor_dim.
SuperPoint Widen(SuperPoint& network, const SuperPointArchitecture& architecture);

}  // namespace colmatch
