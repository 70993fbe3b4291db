// The plain form of SuperGlue, and the choice of a form; see superglue_engine.h.
#include "network/engines/superglue_engine.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "network/engines/batched_superglue.h"
#include "network/engines/packed_superglue.h"

namespace colmatch {
namespace {

class PlainSuperGlue : public SuperGlueEngine {
 public:
  using SuperGlueEngine::SuperGlueEngine;

  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const override {
    TORCH_CHECK(!images0.IsPadded() && !images1.IsPadded(),
                "SuperGlueEngine: this form takes no padded pairs");
    torch::NoGradGuard no_grad;
    SuperGlue model = network();
    return model->ForwardPrepared(images0.rows, images1.rows);
  }

 protected:
  torch::Tensor FirstLayer(const torch::Tensor& encoded) const override {
    SuperGlue model = network();
    return model->FirstLayer(encoded);
  }
};

}  // namespace

bool PaddedRows::IsPadded() const {
  return std::any_of(counts.begin(), counts.end(), [this](int64_t count) { return count != rows.size(1); });
}

PaddedRows PadRows(const std::vector<torch::Tensor>& images) {
  PaddedRows padded;
  int64_t most = 0;
  for (const torch::Tensor& image : images) {
    padded.counts.push_back(image.size(1));
    most = std::max(most, image.size(1));
  }
  const auto of_most = [&](int64_t count) { return count == most; };
  if (std::all_of(padded.counts.begin(), padded.counts.end(), of_most)) {
    padded.rows = torch::cat(images);
    return padded;
  }
  const auto& first = images.at(0);
  padded.rows = torch::zeros({static_cast<int64_t>(images.size()), most, first.size(2)}, first.options());
  for (size_t i = 0; i < images.size(); ++i)
    padded.rows[static_cast<int64_t>(i)].narrow(0, 0, images[i].size(1)).copy_(images[i][0]);
  return padded;
}

torch::Tensor SuperGlueEngine::Prepare(const Features& features) const {
  torch::NoGradGuard no_grad;
  if (features.size() == 0)
    return torch::zeros({1, 0, network_->architecture().descriptor_dim}, features.descriptors.options());
  SuperGlue model = network_;
  return FirstLayer(EncodeFeatures(model, features));
}

torch::Tensor SuperGlueEngine::CouplingsOfPair(const torch::Tensor& prepared0,
                                               const torch::Tensor& prepared1) const {
  return Couplings({prepared0, {prepared0.size(1)}}, {prepared1, {prepared1.size(1)}});
}

torch::Tensor SuperGlueEngine::SelectCandidates(const torch::Tensor& prepared0,
                                                const torch::Tensor& prepared1,
                                                Candidates& candidates) const {
  const auto all = CouplingsOfPair(prepared0, prepared1).contiguous();
  const int64_t n = all.size(1), m = all.size(2);
  candidates.Reset(m, BinScore());
  AddCandidates(all.data_ptr<float>(), m, n, kCandidateMargin, candidates);
  return all;
}

torch::Tensor SuperGlueEngine::AllCouplings() const {
  TORCH_CHECK(false, "SuperGlueEngine::AllCouplings: SelectCandidates returned them");
}

std::unique_ptr<SuperGlueEngine> MakePlainSuperGlue(SuperGlue network) {
  return std::make_unique<PlainSuperGlue>(std::move(network));
}

std::unique_ptr<SuperGlueEngine> MakeSuperGlueEngine(SuperGlue network, Precision precision,
                                                     torch::Device device, bool record_launches) {
  if (!device.is_cpu())
    return std::make_unique<BatchedSuperGlue>(std::move(network), ScalarTypeOf(precision), record_launches);
  if (precision == Precision::kBf16 || precision == Precision::kInt8)
    return std::make_unique<PackedSuperGlue>(std::move(network), precision);
  return MakePlainSuperGlue(std::move(network));
}

}  // namespace colmatch
