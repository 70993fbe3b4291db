// The best linear map to a teacher's descriptors; see descriptor_fit.h.
#include "training/losses/descriptor_fit.h"

#include <torch/torch.h>

#include <vector>

#include "network/keypoints.h"

namespace colmatch {
namespace {

namespace F = torch::nn::functional;

struct Pairs {
  torch::Tensor found, wanted;  // (N, D)
};

Pairs TaughtDescriptors(SuperPoint& network, const SuperPointBatch& batch) {
  const SuperPointOutput output = network->forward(batch.images.cpu());
  const auto views = output.descriptors.to(torch::kFloat).chunk(2);
  const auto taught = batch.taught.flatten().nonzero().flatten();
  const auto targets = batch.targets.flatten(0, 1).index_select(0, taught);
  const auto of = [&](const torch::Tensor& points, const torch::Tensor& dense) {
    return SampleDescriptors(points, dense, output.sampling)
        .transpose(1, 2)
        .flatten(0, 1)
        .index_select(0, taught);
  };
  return {torch::cat({of(batch.points_a, views[0]), of(batch.points_b, views[1])}),
          torch::cat({targets, targets})};
}

}  // namespace

double FitDescriptors(SuperPoint& network, int num_batches,
                      const std::function<SuperPointBatch(int64_t number)>& make_batch) {
  torch::NoGradGuard no_grad;
  network->eval();
  std::vector<torch::Tensor> found, wanted;
  for (int i = 0; i < num_batches; ++i) {
    const SuperPointBatch batch = make_batch(i);
    if (!batch.targets.defined()) continue;
    const Pairs pairs = TaughtDescriptors(network, batch);
    found.push_back(pairs.found.to(torch::kDouble));
    wanted.push_back(pairs.wanted.to(torch::kDouble));
  }
  if (found.empty()) return 0;
  const auto x = torch::cat(found), y = torch::cat(wanted);
  if (x.size(0) == 0) return 0;
  const auto ridge = 1e-4 * static_cast<double>(x.size(0)) * torch::eye(x.size(1), x.options()) /
                     static_cast<double>(x.size(1));
  const auto map = torch::linalg_solve(torch::mm(x.t(), x) + ridge, torch::mm(x.t(), y)).t();  // y = map x
  const auto parameters = network->named_parameters();
  torch::Tensor weight = parameters["convDb.weight"], bias = parameters["convDb.bias"];
  weight.copy_(torch::mm(map, weight.flatten(1).to(torch::kDouble)).view(weight.sizes()));
  bias.copy_(torch::mv(map, bias.to(torch::kDouble)));
  const auto turned = F::normalize(torch::mm(x, map.t()), F::NormalizeFuncOptions().dim(1));
  return (turned * y).sum(1).mean().item<double>();
}

}  // namespace colmatch
