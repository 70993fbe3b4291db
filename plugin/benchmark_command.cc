// `colmatch benchmark`: what an image and a pair cost, several weights in one run.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "matcher/frontend.h"
#include "network/atomic_file.h"
#include "network/error.h"
#include "network/flops.h"
#include "network/int8_linear.h"
#include "network/sinkhorn.h"
#include "plugin/command_list.h"
#include "plugin/progress.h"
#include "plugin/stop_signal.h"
#include "plugin/weights_location.h"

namespace colmatch {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Asynchronous devices are waited for.
void Wait(const torch::Tensor& result) { result.flatten()[0].item<float>(); }

// Two views of random points, seven of ten in both, descriptors a little different: matching has as much to
// do as on photos.
std::pair<Features, Features> RandomViews(int64_t n, int descriptor_dim, int width, int height) {
  torch::manual_seed(0);
  const auto size = torch::tensor({static_cast<float>(width), static_cast<float>(height)});
  const auto unit = [](const torch::Tensor& d) { return d / d.norm(2, 0, true); };
  const auto descriptors = unit(torch::randn({descriptor_dim, n}));
  Features first{torch::rand({n, 2}) * size, torch::rand({n}), descriptors, width, height};
  Features second{torch::rand({n, 2}) * size, torch::rand({n}), unit(torch::randn({descriptor_dim, n})),
                  width, height};
  const int64_t shared = 7 * n / 10;
  const double noise = 0.5 / std::sqrt(static_cast<double>(descriptor_dim));
  second.keypoints.narrow(0, 0, shared).copy_(first.keypoints.narrow(0, 0, shared) * 0.9 + 20);
  second.descriptors.narrow(1, 0, shared)
      .copy_(unit(descriptors.narrow(1, 0, shared) + noise * torch::randn({descriptor_dim, shared})));
  return {first, second};
}

SuperGlueInput InputOf(const Features& features, const torch::Device& device) {
  return {NormalizeKeypoints(features.keypoints.unsqueeze(0), features.width, features.height).to(device),
          features.scores.unsqueeze(0).to(device), features.descriptors.unsqueeze(0).to(device)};
}

// The rate of the 8-bit linear map, as MeasureMatrixProductRate gives it for floats.
double MeasureInt8Rate() {
  constexpr int64_t kSize = 1024;
  const std::vector<float> values(kSize * kSize, 1.0f), bias(kSize);
  std::vector<float> y(kSize * kSize);
  const Int8Linear linear(values.data(), bias.data(), kSize, kSize);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto begin = Clock::now();
    at::parallel_for(0, kSize, 64, [&](int64_t first, int64_t last) {
      linear.Apply(values.data() + first * kSize, last - first, y.data() + first * kSize);
    });
    best = std::max(best, 2.0 * kSize * kSize * kSize / (1e-3 * MillisecondsSince(begin)));
  }
  return best;
}

struct Times {
  std::vector<double> superpoint, layers, sinkhorn;
};

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One network pair in one precision.
class Subject {
 public:
  Subject(std::string weights, std::string precision, const torch::Device& device)
      : weights_(std::move(weights)), precision_(std::move(precision)), device_(device) {
    const WeightsPaths paths = ResolveWeights(weights_);
    if (paths.superglue.empty()) throw UsageError("benchmark: --weights " + weights_ + " names no SuperGlue");
    superpoint_ = LoadSuperPoint(paths.superpoint).network;
    SuperGlue loaded = LoadSuperGlue(paths.superglue).network;
    superglue_ = FoldBatchNorm(loaded);
    superpoint_->to(device_);
    superglue_->to(device_);
    superglue_->eval();
    if (precision_ == kInt8) superglue_->UseInt8();
  }

  void Measure(int64_t num_keypoints, const torch::Tensor& image, int sinkhorn_iterations) {
    torch::NoGradGuard no_grad;
    Times& times = times_[num_keypoints];
    auto begin = Clock::now();
    KeypointOptions keypoints;
    keypoints.max_num_features = static_cast<int>(num_keypoints);
    ExtractFeatures(superpoint_, image.to(device_), keypoints).scores.cpu();
    times.superpoint.push_back(MillisecondsSince(begin));

    const int dim = superglue_->architecture().descriptor_dim;
    const auto [first, second] =
        RandomViews(num_keypoints, dim, static_cast<int>(image.size(3)), static_cast<int>(image.size(2)));
    const auto input0 = InputOf(first, device_), input1 = InputOf(second, device_);
    begin = Clock::now();
    const auto scores = superglue_->forward(input0, input1);
    Wait(scores);
    times.layers.push_back(MillisecondsSince(begin));
    begin = Clock::now();
    const auto assignment = SolveTransport(scores, superglue_->bin_score, sinkhorn_iterations);
    MatchesFromLogAssignment(assignment[0], SuperGlueOptions{}.match_threshold).matches0.cpu();
    times.sinkhorn.push_back(MillisecondsSince(begin));
  }

  void Forget() { times_.clear(); }

  Json Result(int64_t num_keypoints, double matrix_product_rate) const {
    const Times& times = times_.at(num_keypoints);
    const double layers = Median(times.layers), sinkhorn = Median(times.sinkhorn);
    const double flops = SuperGlueFlops(superglue_->architecture(), num_keypoints, num_keypoints);
    const auto [least, most] = std::minmax_element(times.layers.begin(), times.layers.end());
    return {
        {"weights", weights_},
        {"depth", superglue_->architecture().num_layer_pairs},
        {"precision", precision_},
        {"num_keypoints", num_keypoints},
        {"pairs_per_second", 1000 / (layers + sinkhorn)},
        {"median_ms", {{"superpoint", Median(times.superpoint)}, {"layers", layers}, {"sinkhorn", sinkhorn}}},
        {"layers_ms_range", {*least, *most}},
        {"gflop_per_pair", flops * 1e-9},
        {"share_of_matrix_product", flops / (1e-3 * layers) / matrix_product_rate}};
  }

  const std::string& precision() const { return precision_; }

 private:
  std::string weights_, precision_;
  torch::Device device_;
  SuperPoint superpoint_{nullptr};
  SuperGlue superglue_{nullptr};
  std::map<int64_t, Times> times_;
};

class Benchmark : public Command {
 public:
  std::string name() const override { return "benchmark"; }
  std::string description() const override {
    return "Measure what an image and a pair cost, as milliseconds and as a share of the machine's matrix "
           "product; several weights in one run, in turn, so that they share the machine's moods";
  }
  std::string examples() const override {
    return "  colmatch benchmark\n"
           "  colmatch benchmark --compare fast --precisions fp32,int8 --num_keypoints 1024 --json "
           "speed.json";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--compare", compare_, "further weights, as for --weights")->delimiter(';');
    AddOption(app, "--precisions", precisions_, "fp32, int8 (on the CPU)")
        ->delimiter(',')
        ->check(CLI::IsMember({"fp32", "int8"}));
    AddOption(app, "--num_keypoints", num_keypoints_, "an image")
        ->delimiter(',')
        ->check(CLI::Range(1, 65536));
    AddOption(app, "--image_width", width_, "pixels")->check(CLI::Range(8, 16384));
    AddOption(app, "--image_height", height_, "pixels")->check(CLI::Range(8, 16384));
    AddOption(app, "--SuperGlue.sinkhorn_iterations", sinkhorn_iterations_, "optimal transport")
        ->check(CLI::Range(1, 10000));
    AddOption(app, "--repetitions", repetitions_, "of each measurement; the median counts")
        ->check(CLI::Range(1, 10000));
    AddOption(app, "--json", json_path_, "file for the results");
  }

  int Run(const CommonOptions& common) override {
    const torch::Device device = DeviceFromName(common.device);
    Json report = {{"device", device.str()},
                   {"num_threads", torch::get_num_threads()},
                   {"image", {width_, height_}},
                   {"gemm_gflops", MatrixProductRates(device)}};
    std::vector<Subject> subjects;
    std::vector<std::string> weights = {common.weights};
    weights.insert(weights.end(), compare_.begin(), compare_.end());
    for (const std::string& name : weights) {
      for (const std::string& precision : precisions_) {
        if (precision == kInt8 && !device.is_cpu())
          throw UsageError("--precisions int8 computes on the CPU: add --device cpu");
        subjects.emplace_back(name, precision, device);
      }
    }
    MeasureAll(subjects, common);
    if (StopRequested()) return StopStatus();
    report["results"] = Json::array();
    for (const int n : num_keypoints_) {
      for (const Subject& subject : subjects)
        report["results"].push_back(
            subject.Result(n, 1e9 * report["gemm_gflops"][subject.precision()].get<double>()));
    }
    Print(report);
    if (!json_path_.empty()) WriteFileAtomically(json_path_, report.dump(2) + "\n");
    return 0;
  }

 private:
  Json MatrixProductRates(const torch::Device& device) const {
    Json rates = {{"fp32", 1e-9 * MeasureMatrixProductRate(device, torch::kFloat)}};
    if (device.is_cpu()) rates[kInt8] = 1e-9 * MeasureInt8Rate();
    return rates;
  }

  // In turn, after one round that warms up.
  void MeasureAll(std::vector<Subject>& subjects, const CommonOptions& common) const {
    torch::manual_seed(0);
    const auto image = torch::rand({1, 1, height_, width_});
    ProgressBar bar("rounds", repetitions_ + 1, common.progress);
    for (int round = 0; round <= repetitions_; ++round) {
      for (const int n : num_keypoints_) {
        for (Subject& subject : subjects) {
          if (StopRequested()) return;
          subject.Measure(n, image, sinkhorn_iterations_);
        }
      }
      for (Subject& subject : subjects) {
        if (round == 0) subject.Forget();
      }
      bar.Update(round + 1);
    }
  }

  static void Print(const Json& report) {
    std::printf("matrix product:");
    for (const auto& [precision, rate] : report["gemm_gflops"].items())
      std::printf(" %s %.0f GFLOP/s", precision.c_str(), rate.get<double>());
    std::printf("\n%-28s %5s %6s %9s %13s %10s %12s %9s %7s\n", "weights", "depth", "arith.", "keypoints",
                "superpoint ms", "layers ms", "sinkhorn ms", "pairs/s", "share");
    for (const Json& r : report["results"]) {
      const Json& ms = r["median_ms"];
      std::printf("%-28s %5d %6s %9d %13.1f %10.1f %12.1f %9.2f %6.1f%%\n",
                  r["weights"].get<std::string>().c_str(), r["depth"].get<int>(),
                  r["precision"].get<std::string>().c_str(), r["num_keypoints"].get<int>(),
                  ms["superpoint"].get<double>(), ms["layers"].get<double>(), ms["sinkhorn"].get<double>(),
                  r["pairs_per_second"].get<double>(), 100 * r["share_of_matrix_product"].get<double>());
    }
  }

  std::vector<std::string> compare_, precisions_ = {"fp32"};
  std::vector<int> num_keypoints_ = {512, 1024, 2048};
  int width_ = 640, height_ = 480, sinkhorn_iterations_ = 100, repetitions_ = 5;
  std::string json_path_;
};

}  // namespace

std::unique_ptr<Command> MakeBenchmarkCommand() { return std::make_unique<Benchmark>(); }

}  // namespace colmatch
