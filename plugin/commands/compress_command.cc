// `colmatch compress prune|quantize|sensitivity`: smaller networks from trained ones.
#include "plugin/commands/command_list.h"
#include "plugin/experiments/compression_job.h"
#include "plugin/experiments/sensitivity.h"
#include "util/error.h"

namespace colmatch {
namespace {

class CompressCommand : public Command {
 public:
  explicit CompressCommand(SensitivityScan scan) : scan_(std::move(scan)) {}

  std::string name() const override { return "compress"; }
  std::vector<std::string> precisions() const override { return {kBf16, kFp16}; }
  std::string description() const override {
    return "Prune and quantize networks so that they are smaller and faster, with fine-tuning that follows "
           "the "
           "dense ones";
  }
  std::string examples() const override {
    return "  colmatch compress sensitivity --weights default --image_path heldout_photos --output scan\n"
           "  colmatch compress prune --weights default --shards train.shard --sensitivity scan --output "
           "pruned\n"
           "  colmatch compress prune --method channel --SuperPoint.encoder_widths 12,24,48,96 \\\n"
           "      --SuperGlue.attention_dim 64 --SuperGlue.mlp_hidden 128 --shards train.shard --output "
           "narrow\n"
           "  colmatch compress quantize --method kmeans --bits 4 --weights pruned --shards train.shard "
           "--output "
           "compact";
  }

  void AddOptions(CLI::App& app) override { job_.AddTo(app); }
  int Run(const CommonOptions& common) override {
    if (job_.task == "sensitivity") {
      if (!scan_) throw UsageError("compress sensitivity: this build has no OpenCV to measure with");
      return scan_(job_.scan, common, job_.output);
    }
    RunCompression(job_, common);
    return StopStatus();
  }

 private:
  SensitivityScan scan_;
  CompressionJob job_;
};

}  // namespace

std::unique_ptr<Command> MakeCompressCommand(SensitivityScan scan) {
  return std::make_unique<CompressCommand>(std::move(scan));
}

}  // namespace colmatch
