// All commands and their options as one table; see command.h.
#include "plugin/runtime/command.h"

namespace colmatch {
namespace {

void AddOurOptions(CLI::App& app, CommonOptions& common) {
  AddOption(app, "--weights", common.weights,
            "weights: default, fast, compact, a folder, or superpoint=PATH,superglue=PATH");
  AddOption(app, "--device", common.device,
            "where the networks run: auto, cpu, cuda (every GPU), cuda:N, or cuda:N,M,... for several GPUs");
  AddOption(
      app, "--precision", common.precision,
      "arithmetic of the networks: fp32, bf16, on a GPU fp16, on the CPU int8 (SuperGlue alone, not for "
      "training); "
      "auto: bf16 on a CPU with bf16 instructions, else fp32; with a database, the precision of its rows")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16", "int8"}));
  AddOption(app, common.num_threads, CommonOptions::kNumThreads);
  AddOption(app, "--random_seed,--default_random_seed", common.random_seed, "seed of all random numbers")
      // COLMAP 4's automatic_reconstructor has both.
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeFirst);
  AddOption(app, "--progress", common.progress, "progress bars: auto (on a terminal), on, off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  AddOption(app, common.busy_timeout_s, CommonOptions::kBusyTimeout);
  AddOption(app, "--trace", common.trace_path,
            "file for what was done when, to be opened in ui.perfetto.dev or chrome://tracing");
  AddOption(app, "--log_level", common.log_level,
            "least severity of the messages that are printed: debug, info, warn, error or off; COLMAP's "
            "numbers are accepted too");
}

// COLMAP's words for the device, and where and how it logs (colmatch logs to standard error).
void AddColmapOptions(CLI::App& app, CommonOptions& common) {
  app.add_option(
         "--use_gpu,--SiftExtraction.use_gpu,--SiftMatching.use_gpu,--FeatureExtraction.use_gpu,"
         "--FeatureMatching.use_gpu",
         common.use_gpu)
      ->group(kColmapGroup);
  app.add_option(
         "--gpu_index,--SiftExtraction.gpu_index,--SiftMatching.gpu_index,"
         "--FeatureExtraction.gpu_index,--FeatureMatching.gpu_index",
         common.gpu_index)
      ->group(kColmapGroup);
  for (const char* name : {"--log_to_stderr", "--log_target", "--log_path", "--log_severity", "--log_color"})
    app.add_option_function<std::string>(name, [](const std::string&) {})->group(kColmapGroup);
}

}  // namespace

void AddCommonOptions(CLI::App& app, CommonOptions& common) {
  AddOurOptions(app, common);
  AddColmapOptions(app, common);
}

void DeclareCommands(CLI::App& app, const std::vector<std::unique_ptr<Command>>& commands,
                     CommonOptions& common) {
  app.set_version_flag("--version", "colmatch " COLMATCH_VERSION);
  app.require_subcommand(0, 1);
  for (const auto& command : commands) {
    CLI::App* sub = app.add_subcommand(command->name(), command->description());
    if (!command->examples().empty()) sub->footer("Examples:\n" + command->examples());
    for (const std::string& alias : command->aliases()) sub->alias(alias);
    if (command->hidden()) sub->group("");
    command->AddOptions(*sub);
    AddCommonOptions(*sub, common);
  }
}

}  // namespace colmatch
