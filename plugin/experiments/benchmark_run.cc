// The run of a benchmark; see benchmark_run.h.
#include "plugin/experiments/benchmark_run.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <utility>

#include "matcher/devices.h"
#include "network/engines/matrix_product_rate.h"
#include "network/kernels/bf16.h"
#include "network/kernels/int8_linear.h"
#include "plugin/experiments/benchmark_subject.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Json = nlohmann::ordered_json;

class Benchmark {
 public:
  Benchmark(const BenchmarkOptions& options, const BenchmarkPhotoReader& read_photos)
      : options_(options), read_photos_(read_photos) {}

  Json Run(const CommonOptions& common) {
    const torch::Device device = DeviceFromName(common.device);
    if (Clock() == BenchmarkClock::kCpu && (torch::get_num_threads() > 1 || !device.is_cpu()))
      throw UsageError(
          "benchmark: --clock cpu is the time of one thread: add --num_threads 1 and --device cpu");
    ReadPhotos();
    std::vector<BenchmarkSubject> subjects;
    std::vector<std::string> weights = {common.weights};
    weights.insert(weights.end(), options_.compare.begin(), options_.compare.end());
    for (const std::string& name : weights) {
      for (const std::string& precision : options_.precisions) {
        if (precision == (device.is_cpu() ? kFp16 : kInt8))
          throw UsageError("--precisions " + precision + " does not compute on " + device.str());
        subjects.emplace_back(name, precision, device, Clock(), options_.batch_size, options_.cuda_graphs);
      }
    }
    Json report = {{"device", device.str()},
                   {"num_threads", torch::get_num_threads()},
                   {"clock", options_.clock},
                   {"bf16_kernel", NameOf(BestBf16Path())},
                   {"int8_kernel", Int8Linear::Kernels().front()},
                   {"image", {images_[0].size(3), images_[0].size(2)}},
                   {"photos", options_.image_path},
                   {"gemm_gflops", MatrixProductRates(device)}};
    MeasureAll(subjects, common);
    if (StopRequested()) return report;
    report["results"] = Results(subjects, report["gemm_gflops"]);
    return report;
  }

 private:
  BenchmarkClock Clock() const {
    return options_.clock == "cpu" ? BenchmarkClock::kCpu : BenchmarkClock::kWall;
  }

  Json MatrixProductRates(const torch::Device& device) const {
    Json rates;
    const auto seconds = [clock = Clock()] { return 1e-3 * BenchmarkNow(clock); };
    for (const char* precision : {"fp32", kBf16, device.is_cpu() ? kInt8 : kFp16})
      rates[precision] =
          1e-9 * MeasureMatrixProductRate(device, PrecisionFromName(precision, device), seconds);
    return rates;
  }

  void ReadPhotos() {
    images_.clear();
    torch::manual_seed(0);
    if (options_.image_path.empty()) {
      images_.push_back(torch::rand({1, 1, options_.height, options_.width}));
      return;
    }
    for (const BenchmarkPhoto& photo :
         read_photos_(options_.image_path, std::max(options_.width, options_.height), options_.num_images))
      images_.push_back(torch::tensor(photo.pixels).view({1, 1, photo.height, photo.width}));
    if (images_.size() < 2)
      throw UsageError("benchmark: --image_path " + options_.image_path + " needs two photos");
  }

  // Each photo with the next, as this subject sees them.
  std::vector<BenchmarkPair> PairsOf(BenchmarkSubject& subject, int num_keypoints) const {
    if (options_.image_path.empty() || !subject.sees_photos())
      return {RandomViews(num_keypoints, subject.descriptor_dim(), options_.width, options_.height)};
    std::vector<BenchmarkPair> pairs;
    Features last = subject.Extract(images_[0], num_keypoints);
    for (size_t i = 1; i < images_.size(); ++i) {
      Features next = subject.Extract(images_[i], num_keypoints);
      pairs.push_back({last, next});
      last = next;
    }
    return pairs;
  }

  // In turn, after one round that warms up.
  void MeasureAll(std::vector<BenchmarkSubject>& subjects, const CommonOptions& common) {
    for (const int n : options_.num_keypoints) {
      for (BenchmarkSubject& subject : subjects) {
        auto& pairs = pairs_[{subject.weights(), n}];
        if (pairs.empty()) pairs = PairsOf(subject, n);
      }
    }
    ProgressBar bar("rounds", options_.repetitions + 1, common.progress);
    for (int round = 0; round <= options_.repetitions; ++round) {
      for (const int n : options_.num_keypoints) {
        for (BenchmarkSubject& subject : subjects) {
          if (StopRequested()) return;
          const auto& pairs = pairs_[{subject.weights(), n}];
          const auto turn = static_cast<size_t>(round);
          subject.Measure(images_[turn % images_.size()], n, pairs[turn % pairs.size()],
                          options_.sinkhorn_iterations);
        }
      }
      for (BenchmarkSubject& subject : subjects) {
        if (round == 0) subject.Forget();
      }
      bar.Update(round + 1);
    }
  }

  Json Results(std::vector<BenchmarkSubject>& subjects, const Json& rates) {
    Json results = Json::array();
    for (const int n : options_.num_keypoints) {
      for (BenchmarkSubject& subject : subjects) {
        Json result = subject.Result(n, 1e9 * rates[subject.precision()].get<double>());
        for (BenchmarkSubject& exact : subjects) {
          if (exact.weights() == subject.weights() && exact.precision() == "fp32")
            AddAgreement(subject, exact, pairs_[{subject.weights(), n}], result);
        }
        results.push_back(result);
      }
    }
    return results;
  }

  // What the precision costs: matches of the same features beside those in fp32.
  void AddAgreement(BenchmarkSubject& subject, BenchmarkSubject& exact,
                    const std::vector<BenchmarkPair>& pairs, Json& result) const {
    double agreement = 0;
    int64_t num_matches = 0;
    for (const BenchmarkPair& pair : pairs) {
      const FeatureMatches matches = subject.Match(pair, options_.sinkhorn_iterations);
      num_matches += (matches.matches0 >= 0).sum().item<int64_t>();
      agreement += MatchAgreement(matches, exact.Match(pair, options_.sinkhorn_iterations));
    }
    const auto num_pairs = static_cast<double>(pairs.size());
    result["num_pairs"] = pairs.size();
    result["matches_per_pair"] = static_cast<double>(num_matches) / num_pairs;
    result["equal_to_fp32"] = agreement / num_pairs;
  }

  BenchmarkOptions options_;
  BenchmarkPhotoReader read_photos_;
  std::vector<torch::Tensor> images_;                                        // (1, 1, H, W)
  std::map<std::pair<std::string, int>, std::vector<BenchmarkPair>> pairs_;  // by weights and keypoints
};

}  // namespace

Json RunBenchmark(const BenchmarkOptions& options, const CommonOptions& common,
                  const BenchmarkPhotoReader& read_photos) {
  return Benchmark(options, read_photos).Run(common);
}

}  // namespace colmatch
