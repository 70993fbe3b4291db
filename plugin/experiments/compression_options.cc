// The options of a compression; see compression_job.h.
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/compression_job.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/runtime/command.h"

namespace colmatch {
namespace {

void AddFineTuning(CLI::App& app, CompressionJob& job) {
  AddOption(app, "--shards", job.shards, "shards of `colmatch prepare_shards` to fine-tune on");
  AddOption(app, "--features", job.features_path, "file that keeps the features for SuperGlue between runs");
  AddOption(app, "--num_steps", job.num_steps,
            "steps of fine-tuning for each network; -1: 300 with --shards, else 0");
  AddOption(app, "--learning_rate", job.learning_rate, "highest learning rate of fine-tuning");
  AddNumWorkers(app, job.num_workers);
  AddOption(app, "--teacher_weight", job.teacher_weight,
            "weight of the dense network's answers relative to the labels, 0 to 1", {0.0, 1.0});
  AddFeatureSetOptions(app, job.features);
  app.add_flag("--resume", job.resume, "go on with fine-tuning where it was stopped");
}

}  // namespace

void CompressionJob::AddTo(CLI::App& app) {
  AddOption(app, "task", task, "sensitivity, prune or quantize")
      ->required()
      ->check(CLI::IsMember({"sensitivity", "prune", "quantize"}));
  AddOption(app, "--output", output, "folder for superpoint.safetensors, superglue.safetensors, run folders")
      ->required();
  AddOption(app, "--network", network, "both, superpoint or superglue; the other is copied")
      ->check(CLI::IsMember({"both", "superpoint", "superglue"}));
  AddOption(
      app, "--method", method,
      "prune: magnitude (single weights), 2:4 (two of every four) or channel (narrower layers); quantize: "
      "linear or kmeans (default: the first)")
      ->check(CLI::IsMember({"magnitude", "2:4", "channel", "linear", "kmeans"}));
  AddOption(app, "--sparsity", sparsity, "prune magnitude: share of each tensor's weights that are set to 0",
            {0.0, 0.999});
  AddOption(app, "--sensitivity", sensitivity,
            "prune magnitude, quantize kmeans: folder written by compress sensitivity, which decides how far "
            "each tensor is compressed");
  AddOption(app, "--tolerance", tolerance,
            "with --sensitivity: maximum loss of precision and recall by one tensor, points");
  AddOption(app, "--bits", bits, "quantize: bits per weight", {1, 8});
  AddOption(app, "--codebook", codebook,
            "quantize kmeans: one codebook per tensor (tensor), or one per network with a scale per tensor "
            "(shared)")
      ->check(CLI::IsMember({"tensor", "shared"}));
  AddOption(app, "--SuperPoint.encoder_widths", encoder_widths, "prune channel: channels of conv1 to conv4")
      ->delimiter(',');
  AddOption(app, "--SuperPoint.head_width", head_width,
            "prune channel: channels of convPa and convDa; 0: unchanged");
  AddOption(app, "--SuperGlue.num_heads", narrower.num_heads,
            "prune channel: number of heads to keep; 0: all");
  AddOption(app, "--SuperGlue.attention_dim", narrower.attention_dim,
            "prune channel: channels of all heads together; 0: as many per head as before");
  AddOption(app, "--SuperGlue.mlp_hidden", narrower.mlp_hidden,
            "prune channel: hidden width of the Mlps; 0: unchanged");
  AddOption(app, "--SuperGlue.layer_pairs", narrower.layer_pairs,
            "prune channel: pairs of layers to keep, counted from 0; none: all")
      ->delimiter(',');
  AddFineTuning(app, *this);
  scan.AddTo(app);
}

}  // namespace colmatch
