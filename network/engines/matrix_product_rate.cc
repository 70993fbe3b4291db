// The machine's matrix product; see matrix_product_rate.h.
#include "network/engines/matrix_product_rate.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "network/kernels/int8_linear.h"

namespace colmatch {
namespace {

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One product, waited for.
using Product = std::function<void()>;

Product TorchProduct(int64_t size, const torch::TensorOptions& options) {
  const auto a = torch::ones({size, size}, options);
  auto product = torch::mm(a, a);
  return [a, product]() mutable {
    torch::mm_out(product, a, a);
    product[0][0].item<float>();  // waits for the device
  };
}

Product Int8Product(int64_t size) {
  const std::vector<float> bias(static_cast<size_t>(size));
  std::vector<float> values(static_cast<size_t>(size * size), 1.0f), y(values.size());
  const auto linear = std::make_shared<Int8Linear>(values.data(), bias.data(), size, size);
  return [size, linear, values, y]() mutable {
    at::parallel_for(0, size, 96, [&](int64_t first, int64_t last) {
      linear->Apply(values.data() + first * size, last - first, y.data() + first * size);
    });
  };
}

}  // namespace

double MeasureMatrixProductRate(const torch::Device& device, Precision precision,
                                const std::function<double()>& given_now) {
  constexpr int kMostRepetitions = 20;
  constexpr double kMostSeconds = 1;
  torch::NoGradGuard no_grad;
  const std::function<double()> now = given_now ? given_now : SteadySeconds;
  const int64_t size = device.is_cpu() ? 1024 : 8192;
  const auto options = torch::TensorOptions().device(device).dtype(ScalarTypeOf(precision));
  Product product = precision == Precision::kInt8 ? Int8Product(size) : TorchProduct(size, options);
  const double operations = 2.0 * static_cast<double>(size * size * size), first_begin = now();
  double best = 0;
  for (int i = 0; i < kMostRepetitions && now() - first_begin < kMostSeconds; ++i) {
    const double begin = now();
    product();
    best = std::max(best, operations / (now() - begin));
  }
  return best;
}

}  // namespace colmatch
