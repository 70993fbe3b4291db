// Quantization; see quantization.h.
#include "training/compression/quantization.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "util/error.h"

namespace colmatch {
namespace {

std::vector<uint8_t> Bytes(const torch::Tensor& codes) {
  const auto u8 = codes.flatten().to(torch::kU8).contiguous();
  return {u8.data_ptr<uint8_t>(), u8.data_ptr<uint8_t>() + u8.numel()};
}

std::vector<float> Floats(const torch::Tensor& values) {
  const auto f = values.detach().flatten().to(torch::kCPU, torch::kFloat).contiguous();
  return {f.data_ptr<float>(), f.data_ptr<float>() + f.numel()};
}

void RequireBits(int bits, int least) {
  if (bits < least || bits > 8)
    throw UsageError("bits must be in [" + std::to_string(least) + ", 8], found " + std::to_string(bits));
}

// Sorted values with what makes the means and errors of stretches of them cheap.
class SortedValues {
 public:
  explicit SortedValues(std::vector<float> values)
      : values_(std::move(values)), sums_(values_.size() + 1), squares_(sums_) {
    std::sort(values_.begin(), values_.end());
    for (size_t i = 0; i < values_.size(); ++i) {
      const double v = values_[i];
      sums_[i + 1] = sums_[i] + v;
      squares_[i + 1] = squares_[i] + v * v;
    }
  }
  size_t size() const { return values_.size(); }
  float operator[](size_t i) const { return values_[i]; }
  size_t CountUpTo(float border) const {
    return static_cast<size_t>(std::upper_bound(values_.begin(), values_.end(), border) - values_.begin());
  }
  double Mean(size_t begin, size_t end) const {
    return (sums_[end] - sums_[begin]) / static_cast<double>(end - begin);
  }
  double SquaredError(size_t begin, size_t end) const {
    const double sum = sums_[end] - sums_[begin];
    return squares_[end] - squares_[begin] - sum * sum / static_cast<double>(end - begin);
  }

 private:
  std::vector<float> values_;
  std::vector<double> sums_, squares_;
};

struct Clusters {
  std::vector<float> centers;  // ascending
  double squared_error = 0;
};

// Lloyd's iteration from these centers, ascending; empty clusters disappear.
Clusters Iterate(const SortedValues& values, std::vector<float> centers) {
  constexpr int kMaxIterations = 300;
  Clusters result;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    result = {};
    size_t begin = 0;
    for (size_t j = 0; j < centers.size(); ++j) {
      const bool last = j + 1 == centers.size();
      const size_t end = last ? values.size() : values.CountUpTo(0.5f * (centers[j] + centers[j + 1]));
      if (end <= begin) continue;
      result.centers.push_back(static_cast<float>(values.Mean(begin, end)));
      result.squared_error += values.SquaredError(begin, end);
      begin = end;
    }
    if (result.centers == centers) break;
    centers = result.centers;
  }
  return result;
}

// The better of two starts: even shares of the values, which find repeated ones, and half-way to even steps,
// which look after the tails.
std::vector<float> Cluster(const SortedValues& values, size_t k) {
  const size_t n = values.size();
  if (n == 0) return {};
  std::vector<float> shares, between;
  for (size_t j = 0; j < k; ++j) {
    const float step = (static_cast<float>(j) + 0.5f) / static_cast<float>(k);
    shares.push_back(values[(2 * j + 1) * n / (2 * k)]);
    between.push_back(0.5f * (shares.back() + values[0] + (values[n - 1] - values[0]) * step));
  }
  shares.erase(std::unique(shares.begin(), shares.end()), shares.end());
  Clusters first = Iterate(values, shares), second = Iterate(values, between);
  return first.squared_error <= second.squared_error ? first.centers : second.centers;
}

}  // namespace

LinearTensor QuantizeLinearly(const torch::Tensor& weight, int bits) {
  RequireBits(bits, 2);
  torch::NoGradGuard no_grad;
  const double levels = std::pow(2.0, bits - 1) - 1;
  const auto rows = weight.detach().to(torch::kCPU, torch::kFloat).flatten(1);
  auto scales = rows.abs().amax(1) / levels;
  scales = torch::where(scales > 0, scales, torch::ones_like(scales));
  const auto codes = (rows / scales.unsqueeze(1)).round().clamp(-levels, levels) + kLinearZero;
  return {weight.sizes().vec(), Bytes(codes), Floats(scales)};
}

CodebookTensor QuantizeByClusters(const torch::Tensor& weight, int bits) {
  RequireBits(bits, 1);
  const std::vector<float> values = Floats(weight);
  std::vector<float> others;
  std::copy_if(values.begin(), values.end(), std::back_inserter(others), [](float v) { return v != 0; });
  const bool has_zeros = others.size() < values.size();
  const size_t k = (size_t{1} << bits) - (has_zeros ? 1 : 0);
  CodebookTensor result;
  result.shape = weight.sizes().vec();
  result.codebook = Cluster(SortedValues(std::move(others)), k);
  if (has_zeros) result.codebook.push_back(0);
  std::sort(result.codebook.begin(), result.codebook.end());
  const auto& book = result.codebook;
  result.codes.reserve(values.size());
  for (const float v : values) {
    // The nearest; a zero's is zero.
    auto above = std::lower_bound(book.begin(), book.end(), v);
    if (above == book.end() || (above != book.begin() && v - *(above - 1) <= *above - v)) --above;
    result.codes.push_back(static_cast<uint8_t>(above - book.begin()));
  }
  return result;
}

torch::Tensor IndicesOf(const std::vector<uint8_t>& codes) {
  return torch::tensor(std::vector<int64_t>(codes.begin(), codes.end()));
}

torch::Tensor ValuesOf(const LinearTensor& tensor) {
  const auto codes = IndicesOf(tensor.codes);
  const auto rows =
      (codes.to(torch::kFloat) - kLinearZero).view({static_cast<int64_t>(tensor.scales.size()), -1});
  return (rows * torch::tensor(tensor.scales).unsqueeze(1)).view(tensor.shape);
}

torch::Tensor ValuesOf(const CodebookTensor& tensor) {
  const auto codes = IndicesOf(tensor.codes);
  const auto values = torch::tensor(tensor.codebook).index_select(0, codes).view(tensor.shape);
  return tensor.scale != 0 ? tensor.scale * values : values;
}

}  // namespace colmatch
