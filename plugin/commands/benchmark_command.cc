// `colmatch benchmark`: what an image and a pair cost, several weights in one run.
#include "matcher/matcher_options.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/benchmark_run.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

class Benchmark : public Command {
 public:
  explicit Benchmark(BenchmarkPhotoReader read_photos) : read_photos_(std::move(read_photos)) {}

  std::string name() const override { return "benchmark"; }
  std::string description() const override {
    return "Measure the time per image and per pair, in milliseconds and as a share of the machine's matrix "
           "product rate, and how many keypoints are matched as in fp32. Several weights and precisions are "
           "measured in turn in one run, so that a change of the machine's load affects all alike";
  }
  std::string examples() const override {
    return "  colmatch benchmark\n"
           "  colmatch benchmark --image_path PHOTOS --precisions fp32,bf16,int8 --num_keypoints 1024\n"
           "  colmatch benchmark --weights published_sizes --compare 'default;fast' --json speed.json --png "
           "roof.png";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--compare", options_.compare,
              "further weights, as for --weights; published_sizes: random weights of the published sizes")
        ->delimiter(';');
    AddOption(app, "--precisions", options_.precisions,
              "precisions to measure: fp32, bf16; on the CPU also int8, on a GPU fp16")
        ->delimiter(',')
        ->check(CLI::IsMember({"fp32", "bf16", "fp16", "int8"}));
    AddOption(app, "--num_keypoints", options_.num_keypoints, "numbers of keypoints per image, each measured")
        ->delimiter(',')
        ->check(CLI::Range(1, 65536));
    if (read_photos_) {
      AddOption(app, "--image_path", options_.image_path,
                "photos to match, each with the next; without: random points and pixels");
      AddOption(app, "--num_images", options_.num_images, "maximum number of photos to use", {2, 1000});
    }
    AddOption(app, "--image_width", options_.width,
              "width of the images, pixels; photos are shrunk to the longer side", {8, 16384});
    AddOption(app, "--image_height", options_.height, "height of the images, pixels", {8, 16384});
    AddOption(app, options_.batch_size, MatcherOptions::kBatchSize);
    AddOption(app, options_.cuda_graphs, MatcherOptions::kCudaGraphs);
    AddOption(app, options_.sinkhorn_iterations, SuperGlueOptions::kSinkhornIterations);
    AddOption(app, "--repetitions", options_.repetitions,
              "repetitions of each measurement; the median is reported", {1, 10000});
    AddOption(app, "--clock", options_.clock,
              "clock: wall, or cpu (processor time, which other programs on the machine hardly change; one "
              "CPU thread)")
        ->check(CLI::IsMember({"wall", "cpu"}));
    AddOption(app, "--json", json_path_, "file for the results");
    AddOption(app, "--png", png_path_, "file for a roofline plot (needs gnuplot)");
  }

  int Run(const CommonOptions& common) override {
    const auto report = RunBenchmark(options_, common, read_photos_);
    if (StopRequested()) return StopStatus();
    PrintBenchmark(report);
    if (!json_path_.empty()) WriteFileAtomically(json_path_, report.dump(2) + "\n");
    if (!png_path_.empty()) PlotRoofline(report, png_path_);
    return 0;
  }

 private:
  BenchmarkPhotoReader read_photos_;
  BenchmarkOptions options_;
  std::string json_path_, png_path_;
};

}  // namespace

std::unique_ptr<Command> MakeBenchmarkCommand(BenchmarkPhotoReader read_photos) {
  return std::make_unique<Benchmark>(std::move(read_photos));
}

}  // namespace colmatch
