// `colmatch benchmark`: what an image and a pair cost, several weights in one run.
#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "matcher/devices.h"
#include "matcher/frontend.h"
#include "network/kernels/bf16.h"
#include "network/kernels/int8_linear.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/benchmark_subject.h"
#include "plugin/runtime/plot.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Json = nlohmann::ordered_json;

class Benchmark : public Command {
 public:
  explicit Benchmark(BenchmarkPhotoReader read_photos) : read_photos_(std::move(read_photos)) {}

  std::string name() const override { return "benchmark"; }
  std::string description() const override {
    return "Measure what an image and a pair cost, as milliseconds and as a share of the machine's matrix "
           "product; several weights and precisions in one run, in turn, so that they share the machine's "
           "moods; and how many keypoints are matched as in fp32";
  }
  std::string examples() const override {
    return "  colmatch benchmark\n"
           "  colmatch benchmark --image_path PHOTOS --precisions fp32,bf16,int8 --num_keypoints 1024\n"
           "  colmatch benchmark --weights official --compare 'default;fast' --json speed.json --png "
           "roof.png";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--compare", compare_,
              "further weights, as for --weights; official: random ones of the published sizes")
        ->delimiter(';');
    AddOption(app, "--precisions", precisions_, "fp32, bf16; on the CPU also int8, on a GPU fp16")
        ->delimiter(',')
        ->check(CLI::IsMember({"fp32", "bf16", "fp16", "int8"}));
    AddOption(app, "--num_keypoints", num_keypoints_, "an image")
        ->delimiter(',')
        ->check(CLI::Range(1, 65536));
    if (read_photos_) {
      AddOption(app, "--image_path", image_path_,
                "photos to match, each with the next; without: random points and pixels");
      AddOption(app, "--num_images", num_images_, "of these photos, at most")->check(CLI::Range(2, 1000));
    }
    AddOption(app, "--image_width", width_, "pixels; photos are shrunk to the longer side")
        ->check(CLI::Range(8, 16384));
    AddOption(app, "--image_height", height_, "pixels")->check(CLI::Range(8, 16384));
    AddOption(app, "--SuperGlue.batch_size", batch_size_, "pairs matched at once on a GPU")
        ->check(CLI::Range(1, 4096));
    AddOption(app, "--SuperGlue.cuda_graphs", cuda_graphs_, "on a GPU, record launches and repeat them");
    AddOption(app, "--SuperGlue.sinkhorn_iterations", sinkhorn_iterations_,
              "optimal transport; 0: as many as the weights specify")
        ->check(CLI::Range(0, 10000));
    AddOption(app, "--repetitions", repetitions_, "of each measurement; the median counts")
        ->check(CLI::Range(1, 10000));
    AddOption(app, "--clock", clock_,
              "wall; cpu: processor time, which other programs on the machine hardly change (one CPU thread)")
        ->check(CLI::IsMember({"wall", "cpu"}));
    AddOption(app, "--json", json_path_, "file for the results");
    AddOption(app, "--png", png_path_, "roofline plot (gnuplot)");
  }

  int Run(const CommonOptions& common) override {
    const torch::Device device = DeviceFromName(common.device);
    if (Clock() == BenchmarkClock::kCpu && (torch::get_num_threads() > 1 || !device.is_cpu()))
      throw UsageError(
          "benchmark: --clock cpu is the time of one thread: add --num_threads 1 and --device cpu");
    ReadPhotos();
    std::vector<BenchmarkSubject> subjects;
    std::vector<std::string> weights = {common.weights};
    weights.insert(weights.end(), compare_.begin(), compare_.end());
    for (const std::string& name : weights) {
      for (const std::string& precision : precisions_) {
        if (precision == (device.is_cpu() ? kFp16 : kInt8))
          throw UsageError("--precisions " + precision + " does not compute on " + device.str());
        subjects.emplace_back(name, precision, device, Clock(), batch_size_, cuda_graphs_);
      }
    }
    Json report = {{"device", device.str()},
                   {"num_threads", torch::get_num_threads()},
                   {"clock", clock_},
                   {"bf16_kernel", NameOf(BestBf16Path())},
                   {"int8_kernel", Int8Linear::Kernels().front()},
                   {"image", {images_[0].size(3), images_[0].size(2)}},
                   {"photos", image_path_},
                   {"gemm_gflops", MatrixProductRates(device)}};
    MeasureAll(subjects, common);
    if (StopRequested()) return StopStatus();
    report["results"] = Results(subjects, report["gemm_gflops"]);
    Print(report);
    if (!json_path_.empty()) WriteFileAtomically(json_path_, report.dump(2) + "\n");
    if (!png_path_.empty()) PlotRoofline(report);
    return 0;
  }

 private:
  BenchmarkClock Clock() const { return clock_ == "cpu" ? BenchmarkClock::kCpu : BenchmarkClock::kWall; }

  Json MatrixProductRates(const torch::Device& device) const {
    Json rates = {{"fp32", 1e-9 * MeasureGemmRate("fp32", device, Clock())}};
    for (const char* precision : {kBf16, device.is_cpu() ? kInt8 : kFp16})
      rates[precision] = 1e-9 * MeasureGemmRate(precision, device, Clock());
    return rates;
  }

  void ReadPhotos() {
    images_.clear();
    torch::manual_seed(0);
    if (image_path_.empty()) {
      images_.push_back(torch::rand({1, 1, height_, width_}));
      return;
    }
    for (const BenchmarkPhoto& photo : read_photos_(image_path_, std::max(width_, height_), num_images_))
      images_.push_back(torch::tensor(photo.pixels).view({1, 1, photo.height, photo.width}));
    if (images_.size() < 2) throw UsageError("benchmark: --image_path " + image_path_ + " needs two photos");
  }

  // Each photo with the next, as this subject sees them.
  std::vector<BenchmarkPair> PairsOf(BenchmarkSubject& subject, int num_keypoints) const {
    if (image_path_.empty() || !subject.sees_photos())
      return {RandomViews(num_keypoints, subject.descriptor_dim(), width_, height_)};
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
    for (const int n : num_keypoints_) {
      for (BenchmarkSubject& subject : subjects) {
        auto& pairs = pairs_[{subject.weights(), n}];
        if (pairs.empty()) pairs = PairsOf(subject, n);
      }
    }
    ProgressBar bar("rounds", repetitions_ + 1, common.progress);
    for (int round = 0; round <= repetitions_; ++round) {
      for (const int n : num_keypoints_) {
        for (BenchmarkSubject& subject : subjects) {
          if (StopRequested()) return;
          const auto& pairs = pairs_[{subject.weights(), n}];
          const auto turn = static_cast<size_t>(round);
          subject.Measure(images_[turn % images_.size()], n, pairs[turn % pairs.size()],
                          sinkhorn_iterations_);
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
    for (const int n : num_keypoints_) {
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
      const FeatureMatches matches = subject.Match(pair, sinkhorn_iterations_);
      num_matches += (matches.matches0 >= 0).sum().item<int64_t>();
      agreement += MatchAgreement(matches, exact.Match(pair, sinkhorn_iterations_));
    }
    const auto num_pairs = static_cast<double>(pairs.size());
    result["num_pairs"] = pairs.size();
    result["matches_per_pair"] = static_cast<double>(num_matches) / num_pairs;
    result["equal_to_fp32"] = agreement / num_pairs;
  }

  static void Print(const Json& report) {
    std::printf("matrix product:");
    for (const auto& [precision, rate] : report["gemm_gflops"].items())
      std::printf(" %s %.0f GFLOP/s", precision.c_str(), rate.get<double>());
    std::printf("\n%-20s %5s %6s %9s %13s %11s %10s %12s %12s %9s %6s %9s\n", "weights", "depth", "arith.",
                "keypoints", "superpoint ms", "prepare ms", "layers ms", "sinkhorn ms", "guidance ms",
                "pairs/s", "share", "as fp32");
    for (const Json& r : report["results"]) {
      const Json& ms = r["median_ms"];
      std::printf("%-20s %5d %6s %9d %13.1f %11.1f %10.1f %12.1f %12.1f %9.2f %5.1f%%",
                  r["weights"].get<std::string>().c_str(), r["depth"].get<int>(),
                  r["precision"].get<std::string>().c_str(), r["num_keypoints"].get<int>(),
                  ms["superpoint"].get<double>(), ms["prepare"].get<double>(), ms["layers"].get<double>(),
                  ms["sinkhorn"].get<double>(), ms["guidance"].get<double>(),
                  r["pairs_per_second"].get<double>(), 100 * r["share_of_matrix_product"].get<double>());
      if (r.contains("equal_to_fp32")) std::printf(" %8.2f%%", 100 * r["equal_to_fp32"].get<double>());
      std::printf("\n");
    }
  }

  // The rate a network reaches over its size, under the matrix product of its precision.
  void PlotRoofline(const Json& report) const {
    std::map<std::string, Curve> reached, roofs;
    for (const Json& r : report["results"]) {
      const std::string precision = r["precision"];
      const double gflop = r["gflop_per_pair"], roof = report["gemm_gflops"][precision];
      for (auto* curves : {&reached, &roofs}) {
        Curve& curve = (*curves)[precision];
        curve.label = precision + (curves == &roofs ? ": matrix product" : ": SuperGlue without transport");
        curve.x.push_back(gflop);
        curve.y.push_back(curves == &roofs ? roof : roof * r["share_of_matrix_product"].get<double>());
      }
    }
    std::vector<Curve> all;
    for (const auto* curves : {&roofs, &reached}) {
      for (const auto& item : *curves) all.push_back(item.second);
    }
    PlotCurves(png_path_, "GFLOP/s", "GFLOP a pair", all);
  }

  BenchmarkPhotoReader read_photos_;
  std::vector<std::string> compare_, precisions_ = {"fp32"};
  std::vector<int> num_keypoints_ = {512, 1024, 2048};
  int width_ = 640, height_ = 480, sinkhorn_iterations_ = 0, repetitions_ = 5, num_images_ = 4,
      batch_size_ = 16;
  bool cuda_graphs_ = false;
  std::string image_path_, json_path_, png_path_, clock_ = "wall";
  std::vector<torch::Tensor> images_;                                        // (1, 1, H, W)
  std::map<std::pair<std::string, int>, std::vector<BenchmarkPair>> pairs_;  // by weights and keypoints
};

}  // namespace

std::unique_ptr<Command> MakeBenchmarkCommand(BenchmarkPhotoReader read_photos) {
  return std::make_unique<Benchmark>(std::move(read_photos));
}

}  // namespace colmatch
