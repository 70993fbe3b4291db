// The program `colmatch`: finds the command, runs it, turns errors into the exit status.
#include <dlfcn.h>
#include <malloc.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "network/error.h"
#include "plugin/command_list.h"
#include "plugin/handover.h"
#include "plugin/log.h"
#include "plugin/project_file.h"

namespace colmatch {
namespace {

// Training knows more precisions and checks them itself; in integers SuperGlue runs, nothing else.
void RequireKnownPrecision(const std::string& precision, const std::string& command) {
  if (precision == "auto" || precision == "fp32" || command == "train") return;
  const std::set<std::string> matching = {
      "automatic_reconstructor", "evaluate",          "exhaustive_matcher", "match",
      "matches_importer",        "retrieval_matcher", "sequential_matcher", "spatial_matcher",
      "transitive_matcher",      "turned_matcher",    "vocab_tree_matcher"};
  if (precision == kInt8 && matching.count(command) != 0) return;
  throw UsageError("--precision " + precision + ": " + command +
                   " computes in float32 only in this version; expected auto or fp32" +
                   (matching.count(command) != 0 ? " or int8" : ""));
}

// COLMAP's way to say the device.
struct GpuOptions {
  bool use_gpu = true;
  std::string gpu_index = "-1";
};

void AddColmapOptions(CLI::App& app, GpuOptions& gpu, std::string& ignored) {
  app.add_option(
         "--use_gpu,--SiftExtraction.use_gpu,--SiftMatching.use_gpu,--FeatureExtraction.use_gpu,"
         "--FeatureMatching.use_gpu",
         gpu.use_gpu)
      ->group("");
  app.add_option(
         "--gpu_index,--SiftExtraction.gpu_index,--SiftMatching.gpu_index,"
         "--FeatureExtraction.gpu_index,--FeatureMatching.gpu_index",
         gpu.gpu_index)
      ->group("");
  // Where and how COLMAP logs; colmatch logs to standard error.
  for (const char* name : {"--log_to_stderr", "--log_target", "--log_path", "--log_severity", "--log_color"})
    app.add_option(name, ignored)->group("");
}

// --device says more and wins, unless the two contradict each other.
void ApplyGpuOptions(const GpuOptions& gpu, CommonOptions& common) {
  if (!gpu.use_gpu) {
    if (common.device.rfind("cuda", 0) == 0)
      throw UsageError("--device " + common.device + " and use_gpu 0 contradict each other");
    common.device = "cpu";
  }
  const std::string index = gpu.gpu_index.substr(0, gpu.gpu_index.find(','));
  const bool is_number = !index.empty() && index.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number && index != "-1")
    throw UsageError("gpu_index must be -1 or the number of a GPU, found " + gpu.gpu_index);
  if (is_number && common.device == "auto" && torch::cuda::is_available()) common.device = "cuda:" + index;
}

void AddCommonOptions(CLI::App& app, CommonOptions& common) {
  AddOption(app, "--weights", common.weights, "default, fast, a folder, or superpoint=PATH,superglue=PATH");
  AddOption(app, "--device", common.device, "auto, cpu, cuda or cuda:N");
  AddOption(app, "--precision", common.precision,
            "auto, fp32; matching also int8 (SuperGlue on the CPU), training bf16 and (on a GPU) fp16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16", "int8"}));
  AddOption(app,
            "--num_threads,--SiftExtraction.num_threads,--SiftMatching.num_threads,"
            "--FeatureExtraction.num_threads,--FeatureMatching.num_threads",
            common.num_threads, "CPU threads; -1: all cores");
  AddOption(app, "--random_seed,--default_random_seed", common.random_seed, "seed of everything random")
      // COLMAP 4's automatic_reconstructor has both.
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeFirst);
  AddOption(app, "--progress", common.progress, "progress bars: auto (on a terminal), on, off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  AddOption(app, "--busy_timeout", common.busy_timeout_s,
            "seconds to wait for another program's lock on the database")
      ->check(CLI::Range(0.0, 86400.0));
  AddOption(app, "--log_level", common.log_level,
            "debug, info, warn, error or off; COLMAP's numbers are taken too");
}

// OpenBLAS keeps a pool of its own, which LibTorch does not tell: with one thread wanted, its matrix products
// would still wait for workers that other programs keep from the cores.
void SetOpenBlasThreads(int threads) {
  using Setter = void (*)(int);
  if (const auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(threads);
}

// The networks' temporaries are tens of megabytes, again and again of the same sizes: by default glibc takes
// each from the system and gives it back, and a third of the time goes into fresh pages.
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest it accepts
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

void ApplyCommonOptions(const CommonOptions& common) {
  if (common.num_threads == 0 || common.num_threads < -1 || common.num_threads > 1024) {
    throw UsageError("--num_threads must be -1 (all cores) or in [1, 1024], found " +
                     std::to_string(common.num_threads));
  }
  const int threads = common.num_threads > 0
                          ? common.num_threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  torch::set_num_threads(threads);
  SetOpenBlasThreads(threads);
  SetLogLevel(common.log_level);
}

int RunCommand(CLI::App& app, std::vector<std::string> arguments,
               const std::vector<std::unique_ptr<Command>>& commands, CommonOptions& common,
               const GpuOptions& gpu) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error, std::cout, std::clog);  // std::cerr is mute, see QuietDecoders
    return status == 0 ? 0 : 1;
  }
  ApplyCommonOptions(common);
  ApplyGpuOptions(gpu, common);
  for (const auto& command : commands) {
    if (!app.got_subcommand(command->name())) continue;
    RequireKnownPrecision(common.precision, command->name());
    return command->Run(common);
  }
  std::cout << app.help();
  return 1;
}

bool IsKnown(const std::string& name, const std::vector<std::unique_ptr<Command>>& commands) {
  for (const auto& command : commands) {
    if (command->name() == name) return true;
  }
  return name.empty() || name[0] == '-';
}

// Which settings of a project file, which COLMAP writes for all of its commands, one command leaves out:
// those of sections that are not its own, and those that the command line or a line before says under another
// name (SiftExtraction.num_threads, SiftMatching.num_threads). A misspelt key of its own section stays an
// error.
class ProjectFilter {
 public:
  ProjectFilter(const CLI::App& app, const std::string& command, const std::vector<std::string>& arguments) {
    const auto subs = app.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == command; });
    if (!subs.empty()) sub_ = subs.front();
    for (const std::string& argument : arguments) {
      if (argument.rfind("--", 0) == 0) LeavesOut(argument.substr(0, argument.find('=')));
    }
  }

  bool LeavesOut(const std::string& option) {
    if (sub_ == nullptr) return false;
    if (const CLI::Option* known = sub_->get_option_no_throw(option))
      return said_.try_emplace(known, option).first->second != option;
    const auto dot = option.find('.');
    if (dot == std::string::npos) return option == "--image_path" || option == "--database_path";
    return !HasSection(option.substr(2, dot - 1));
  }

 private:
  // By the options' own names, the first: an alias alone makes no section.
  bool HasSection(const std::string& prefix) const {
    const auto options = sub_->get_options();
    return std::any_of(options.begin(), options.end(), [&](const CLI::Option* known) {
      return !known->get_lnames().empty() && known->get_lnames().front().rfind(prefix, 0) == 0;
    });
  }

  const CLI::App* sub_ = nullptr;
  std::map<const CLI::Option*, std::string> said_;
};

int Main(int argc, char** argv) {
  KeepFreedMemory();
  InstallSignalHandlers();
  QuietDecoders();
  const auto commands = AllCommands();
  const std::string wanted = argc > 1 ? argv[1] : "";
  if (!IsKnown(wanted, commands)) return HandOverToColmap(argc, argv);

  CLI::App app{
      "colmatch: SuperPoint and SuperGlue for COLMAP. A command that is not listed is handed to `colmap`."};
  app.set_version_flag("--version", "colmatch " COLMATCH_VERSION);
  app.require_subcommand(0, 1);
  CommonOptions common;
  GpuOptions gpu;
  std::string ignored;
  for (const auto& command : commands) {
    CLI::App* sub = app.add_subcommand(command->name(), command->description());
    if (!command->examples().empty()) sub->footer("Examples:\n" + command->examples());
    command->AddOptions(*sub);
    AddCommonOptions(*sub, common);
    AddColmapOptions(*sub, gpu, ignored);
  }
  const std::vector<std::string> said(argv + 1, argv + argc);
  ProjectFilter filter(app, wanted, said);
  const auto arguments =
      ExpandProjectFiles(said, [&](const std::string& option) { return filter.LeavesOut(option); });
  return RunCommand(app, arguments, commands, common, gpu);
}

}  // namespace
}  // namespace colmatch

int main(int argc, char** argv) {
  try {
    return colmatch::Main(argc, argv);
  } catch (const colmatch::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return error.exit_status();
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "error: LibTorch: %s\n", error.what_without_backtrace());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 3;
  }
}
