// SuperGlue's layers in few bits; see packed_superglue.h.
#include "network/engines/packed_superglue.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "network/engines/folded_layer.h"
#include "network/kernels/bf16_attention.h"
#include "network/kernels/bf16_linear.h"
#include "network/kernels/int8_linear.h"
#include "network/superglue.h"

namespace colmatch {
namespace {

constexpr int64_t kRowBlock = 96;  // rows a thread takes at once: what it computes of them stays in its cache

std::unique_ptr<const PackedLinear> Pack(const torch::Tensor& weight, const torch::Tensor& bias,
                                         Precision precision) {
  const auto w = weight.to(torch::kFloat).contiguous(), b = bias.to(torch::kFloat).contiguous();
  const float *weights = w.data_ptr<float>(), *biases = b.data_ptr<float>();
  if (precision == Precision::kInt8)
    return std::make_unique<Int8Linear>(weights, biases, w.size(0), w.size(1));
  return std::make_unique<Bf16Linear>(weights, biases, w.size(0), w.size(1));
}

// work(side, first row, rows) in blocks of all sides' rows.
template <typename Sides, typename Work>
void ForRowBlocks(const Sides& sides, const Work& work) {
  int64_t blocks = 0;
  for (const auto* side : sides) blocks += (side->rows + kRowBlock - 1) / kRowBlock;
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      int64_t begin = block * kRowBlock;
      size_t i = 0;
      for (; begin >= sides[i]->rows; ++i) begin -= (sides[i]->rows + kRowBlock - 1) / kRowBlock * kRowBlock;
      work(*sides[i], begin, std::min(kRowBlock, sides[i]->rows - begin));
    }
  });
}

}  // namespace

PackedSuperGlue::PackedSuperGlue(SuperGlue network, Precision precision)
    : SuperGlueEngine(network),
      precision_(precision),
      dim_(network->architecture().descriptor_dim),
      padded_dim_(PackedLinear::PaddedOutputs(dim_)),
      attention_dim_(network->architecture().AttentionDim()),
      heads_(network->architecture().num_heads) {
  TORCH_CHECK(precision == Precision::kBf16 || precision == Precision::kInt8,
              "PackedSuperGlue: bf16 or int8, got ", NameOf(precision));
  TORCH_CHECK(!network->architecture().batch_norm && network->bin_score.is_cpu(),
              "PackedSuperGlue: expected a network on the CPU, its batch normalisation folded");
  for (size_t i = 0; i < network->gnn->num_layers(); ++i)
    layers_.push_back(PackLayer(*network, i, precision));
  torch::NoGradGuard no_grad;
  const double scale = 1 / std::sqrt(std::sqrt(static_cast<double>(dim_)));
  final_projection_ = Pack(scale * network->final_proj->weight.squeeze(2), scale * network->final_proj->bias,
                           Precision::kBf16);
}

PackedSuperGlue::Layer PackedSuperGlue::PackLayer(SuperGlueImpl& network, size_t index, Precision precision) {
  const SuperGlueArchitecture& sizes = network.architecture();
  const int64_t d = sizes.descriptor_dim, width = sizes.AttentionDim() / sizes.num_heads;
  const FoldedLayer layer =
      FoldLayer(network, index, 1 / (std::log(2.0) * std::sqrt(static_cast<double>(width))));
  const auto padding =
      torch::zeros({layer.hidden.size(0), PackedLinear::PaddedOutputs(d) - d}, torch::kDouble);
  const auto hidden = torch::cat(
      {layer.hidden.narrow(1, 0, d), padding, layer.hidden.narrow(1, d, layer.hidden.size(1) - d)}, 1);
  return {Pack(layer.query_key_value, layer.query_key_value_bias, precision),
          Pack(hidden, layer.hidden_bias, precision), Pack(layer.residual, layer.residual_bias, precision)};
}

void PackedSuperGlue::Load(const torch::Tensor& desc, Side& side) const {
  const auto rows = desc.to(torch::kFloat).contiguous();
  const int64_t stride = padded_dim_ + attention_dim_;
  side.rows = rows.size(0);
  simd::GrowTo(side.sums, side.rows * padded_dim_);
  simd::GrowTo(side.input, side.rows * stride);
  simd::GrowTo(side.heads, side.rows * PackedLinear::PaddedOutputs(3 * attention_dim_));
  const Bf16HeadShape shape{side.rows, attention_dim_ / heads_};
  if (Int8Attention()) {
    side.int8_keys.resize(static_cast<size_t>(heads_));
    side.int8_values.resize(static_cast<size_t>(heads_));
  } else {
    simd::GrowTo(side.keys, heads_ * shape.PackedKeys());
    simd::GrowTo(side.longest_keys, heads_);
    simd::GrowTo(side.values, heads_ * shape.PackedValues());
  }
  for (int64_t r = 0; r < side.rows; ++r) {
    const float* from = rows.data_ptr<float>() + r * dim_;
    float* sums = side.sums.data() + r * padded_dim_;
    std::fill(std::copy_n(from, dim_, sums), sums + padded_dim_, 0.0f);
    std::transform(sums, sums + padded_dim_, side.input.data() + r * stride, Bf16FromFloat);
  }
}

torch::Tensor PackedSuperGlue::Descriptors(const Side& side) const {
  return torch::from_blob(const_cast<float*>(side.sums.data()), {side.rows, padded_dim_})
      .narrow(1, 0, dim_)
      .clone();
}

void PackedSuperGlue::Project(const Layer& layer, const std::vector<Side*>& sides) const {
  const int64_t stride = padded_dim_ + attention_dim_, out = PackedLinear::PaddedOutputs(3 * attention_dim_);
  ForRowBlocks(sides, [&](Side& side, int64_t begin, int64_t rows) {
    layer.query_key_value->Apply(side.input.data() + begin * stride, stride, rows,
                                 side.heads.data() + begin * out, out);
  });
}

void PackedSuperGlue::PackHead(Side& side, int64_t head) const {
  const int64_t in = PackedLinear::PaddedOutputs(3 * attention_dim_), width = attention_dim_ / heads_;
  const Bf16HeadShape shape{side.rows, width};
  const Bf16 *const keys = side.heads.data() + attention_dim_ + head * width, *const values =
                                                                                  keys + attention_dim_;
  if (Int8Attention()) {
    PackKeys(shape, keys, in, side.int8_keys[static_cast<size_t>(head)]);
    PackValues(shape, values, in, side.int8_values[static_cast<size_t>(head)]);
  } else {
    side.longest_keys[static_cast<size_t>(head)] =
        PackKeys(shape, keys, in, side.keys.data() + head * shape.PackedKeys());
    PackValues(shape, values, in, side.values.data() + head * shape.PackedValues());
  }
}

void PackedSuperGlue::AttendHead(Side& side, const Side& source, int64_t head, int64_t begin,
                                 int64_t rows) const {
  const int64_t stride = padded_dim_ + attention_dim_, in = PackedLinear::PaddedOutputs(3 * attention_dim_),
                width = attention_dim_ / heads_;
  const Bf16HeadShape shape{source.rows, width};
  const Bf16* const queries = side.heads.data() + begin * in + head * width;
  Bf16* const messages = side.input.data() + begin * stride + padded_dim_ + head * width;
  if (Int8Attention()) {
    const auto h = static_cast<size_t>(head);
    AttendInt8(BestBf16Path(), shape, queries, rows, in, source.int8_keys[h], source.int8_values[h], messages,
               stride);
  } else {
    AttendBf16(BestBf16Path(), shape, queries, rows, in, source.keys.data() + head * shape.PackedKeys(),
               source.longest_keys[static_cast<size_t>(head)],
               source.values.data() + head * shape.PackedValues(), messages, stride);
  }
}

void PackedSuperGlue::Attend(const std::vector<Side*>& sides, const std::vector<const Side*>& sources) const {
  const auto num = static_cast<int64_t>(sides.size());
  at::parallel_for(0, num * heads_, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task)
      PackHead(*sides[static_cast<size_t>(task / heads_)], task % heads_);
  });
  for (size_t i = 0; i < sides.size(); ++i) {
    const std::vector<Side*> alone = {sides[i]};
    ForRowBlocks(alone, [&](Side& side, int64_t begin, int64_t rows) {
      for (int64_t head = 0; head < heads_; ++head) AttendHead(side, *sources[i], head, begin, rows);
    });
  }
}

void PackedSuperGlue::AddResiduals(const Layer& layer, const std::vector<Side*>& sides) const {
  const int64_t stride = padded_dim_ + attention_dim_,
                out = PackedLinear::PaddedOutputs(layer.hidden->outputs());
  ForRowBlocks(sides, [&](Side& side, int64_t begin, int64_t rows) {
    thread_local std::vector<Bf16> hidden;
    simd::GrowTo(hidden, kRowBlock * out);
    Bf16* const input = side.input.data() + begin * stride;
    layer.hidden->ApplyRelu(input, stride, rows, hidden.data(), out);
    layer.residual->Add(hidden.data(), out, rows, side.sums.data() + begin * padded_dim_, input, stride);
  });
}

void PackedSuperGlue::Run(const Layer& layer, const std::vector<Side*>& sides,
                          const std::vector<const Side*>& sources) const {
  Project(layer, sides);
  Attend(sides, sources);
  AddResiduals(layer, sides);
}

PackedSuperGlue::Side* PackedSuperGlue::Scratch() {
  thread_local Side sides[2];
  return sides;
}

torch::Tensor PackedSuperGlue::FirstLayer(const torch::Tensor& desc) const {
  if (layers_.empty()) return desc;
  std::vector<torch::Tensor> results;
  Side& side = Scratch()[0];
  for (const auto& image : desc.unbind()) {
    Load(image, side);
    Run(layers_.at(0), {&side}, {&side});
    results.push_back(Descriptors(side));
  }
  return torch::stack(results);
}

void PackedSuperGlue::ProjectCouplings(Side& side0, Side& side1) const {
  const int64_t stride = padded_dim_ + attention_dim_;
  for (Side* side : {&side0, &side1}) simd::GrowTo(side->projected, side->rows * padded_dim_);
  const std::vector<Side*> sides = {&side0, &side1};
  ForRowBlocks(sides, [&](Side& side, int64_t begin, int64_t rows) {
    final_projection_->Apply(side.input.data() + begin * stride, stride, rows,
                             side.projected.data() + begin * padded_dim_, padded_dim_);
  });
  const Bf16HeadShape shape{side1.rows, dim_};
  simd::GrowTo(side1.keys, shape.PackedKeys());
  PackKeys(shape, side1.projected.data(), padded_dim_, side1.keys.data());
}

template <typename Take>
void PackedSuperGlue::ForCouplings(const Take& take) const {
  const Side& keys = Scratch()[1];
  const Bf16HeadShape shape{keys.rows, dim_};
  const std::vector<Side*> queries = {&Scratch()[0]};
  ForRowBlocks(queries, [&](Side& side, int64_t begin, int64_t rows) {
    ProductsBf16(BestBf16Path(), shape, side.projected.data() + begin * padded_dim_, rows, padded_dim_,
                 keys.keys.data(), [&](int64_t first, int64_t count, const float* products, int64_t stride) {
                   take(begin / kRowBlock, begin + first, count, products, stride);
                 });
  });
}

void PackedSuperGlue::ScoreCouplings(float* scores) const {
  const int64_t m = Scratch()[1].rows;
  ForCouplings([&](int64_t, int64_t first, int64_t rows, const float* products, int64_t stride) {
    for (int64_t r = 0; r < rows; ++r) std::copy_n(products + r * stride, m, scores + (first + r) * m);
  });
}

void PackedSuperGlue::RunPair(const torch::Tensor& desc0, const torch::Tensor& desc1) const {
  Side &a = Scratch()[0], &b = Scratch()[1];
  Load(desc0, a);
  Load(desc1, b);
  for (size_t i = 1; i < layers_.size(); ++i) {
    const bool cross = i % 2 == 1;
    Run(layers_[i], {&a, &b}, {cross ? &b : &a, cross ? &a : &b});
  }
  ProjectCouplings(a, b);
}

torch::Tensor PackedSuperGlue::Couplings(const PaddedRows& images0, const PaddedRows& images1) const {
  TORCH_CHECK(!images0.IsPadded() && !images1.IsPadded(), "PackedSuperGlue: takes no padded pairs");
  const torch::Tensor &desc0 = images0.rows, &desc1 = images1.rows;
  auto scores = torch::empty({desc0.size(0), desc0.size(1), desc1.size(1)}, desc0.options());
  for (int64_t pair = 0; pair < desc0.size(0); ++pair) {
    RunPair(desc0[pair], desc1[pair]);
    ScoreCouplings(scores[pair].data_ptr<float>());
  }
  return scores;
}

torch::Tensor PackedSuperGlue::SelectCandidates(const torch::Tensor& prepared0,
                                                const torch::Tensor& prepared1,
                                                Candidates& candidates) const {
  thread_local std::vector<Candidates> of_blocks;
  torch::NoGradGuard no_grad;
  const float bin_score = BinScore();
  RunPair(prepared0[0], prepared1[0]);
  const int64_t n = Scratch()[0].rows, m = Scratch()[1].rows, blocks = (n + kRowBlock - 1) / kRowBlock;
  if (static_cast<int64_t>(of_blocks.size()) < blocks) of_blocks.resize(static_cast<size_t>(blocks));
  for (int64_t b = 0; b < blocks; ++b) of_blocks[static_cast<size_t>(b)].Reset(m, bin_score);
  // Blocks are threads' work, and their lists this thread's.
  Candidates* const lists = of_blocks.data();
  ForCouplings([=](int64_t block, int64_t, int64_t rows, const float* products, int64_t stride) {
    AddCandidates(products, stride, rows, kCandidateMargin, lists[block]);
  });
  JoinCandidates(of_blocks, blocks, candidates);
  return {};
}

torch::Tensor PackedSuperGlue::AllCouplings() const {
  auto scores = torch::empty({1, Scratch()[0].rows, Scratch()[1].rows}, torch::kFloat);
  ScoreCouplings(scores.data_ptr<float>());
  return scores;
}

}  // namespace colmatch
