// What LibTorch, the processor and the weights say of themselves; see doctor.h.
#include <dlfcn.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "network/kernels/amx.h"
#include "network/kernels/bf16.h"
#include "network/kernels/int8_linear.h"
#include "network/kernels/simd.h"
#include "network/weights.h"
#include "plugin/doctor/doctor.h"
#include "plugin/runtime/weights_location.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

DoctorCheck CheckProgram() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return {"program", Health::kOk, "colmatch " COLMATCH_VERSION " (" + program.string() + ")", ""};
}

DoctorCheck CheckLibTorch() {
  Dl_info info{};
  const bool found = dladdr(reinterpret_cast<void*>(&at::show_config), &info) != 0;
  return {"LibTorch", Health::kOk,
          std::string(TORCH_VERSION) + (found ? std::string(" (") + info.dli_fname + ")" : ""), ""};
}

// Best of a few, so that a busy machine does not look like a slow library.
double MatrixProductGflops() {
  torch::NoGradGuard no_grad;
  constexpr int64_t kSize = 512;
  const auto a = torch::rand({kSize, kSize}), b = torch::rand({kSize, kSize});
  torch::mm(a, b);
  double best_seconds = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    torch::mm(a, b);
    best_seconds = std::min(best_seconds,
                            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * kSize * kSize * kSize / best_seconds / 1e9;
}

// LibTorch takes what the process finds first; Debian's without OpenBLAS is five times slower.
DoctorCheck CheckMatrixProducts() {
  const std::string speed = ", " + std::to_string(std::lround(MatrixProductGflops())) + " GFLOP/s on " +
                            std::to_string(torch::get_num_threads()) + " threads";
  using Config = char* (*)();
  if (const auto config = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) {
    const std::string found = std::string(config()) + speed;
    const char* const forced = std::getenv("OPENBLAS_CORETYPE");
    if (forced == nullptr) return {"matrix products", Health::kOk, found, ""};
    return {"matrix products", Health::kNote, found + ", OPENBLAS_CORETYPE=" + forced + " is set",
            "unset it: OpenBLAS then chooses itself, which may be twice as fast (AVX-512 instead of AVX2)"};
  }
  if (at::hasMKL()) return {"matrix products", Health::kOk, "MKL" + speed, ""};
  return {
      "matrix products", Health::kProblem, "neither OpenBLAS nor MKL is loaded" + speed,
      "install OpenBLAS (apt-get install libopenblas0-pthread): without it everything is about five times "
      "slower"};
}

// "model name : Intel(R) ..." of /proc/cpuinfo.
std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::string ProcessorFeatures() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0) {
  }
  std::istringstream words(line);
  std::string found;
  for (std::string word; words >> word;) {
    for (const char* of_interest : {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni",
                                    "amx_tile", "amx_bf16", "amx_int8"}) {
      if (word == of_interest) found += (found.empty() ? "" : " ") + word;
    }
  }
  return found.empty() ? "none of AVX2, AVX-512, BF16, VNNI, AMX" : found;
}

std::string LibTorchPath() {
  constexpr char kKey[] = "CPU capability usage: ";
  const std::string config = at::show_config();
  const auto at = config.find(kKey);
  if (at == std::string::npos) return "unknown";
  const auto begin = at + sizeof(kKey) - 1;
  return config.substr(begin, config.find_first_of("\n", begin) - begin);
}

std::vector<DoctorCheck> CheckProcessor() {
  const int lanes = simd::BestLanes();
  const std::string engine = lanes == 16 ? "AVX-512" : lanes == 8 ? "AVX2" : "portable";
  std::vector<DoctorCheck> checks = {
      {"processor", Health::kOk, ProcessorName() + "; has " + ProcessorFeatures(), ""},
      {"CPU paths", Health::kOk,
       "attention and transport " + engine + " (" + std::to_string(lanes) + " floats), bf16 layers " +
           NameOf(BestBf16Path()) + ", int8 layers " + Int8Linear::Kernels().front() + ", LibTorch " +
           LibTorchPath(),
       ""}};
  if (lanes < 8) {
    checks.back().health = Health::kNote;
    checks.back().advice = "this processor has no AVX2: colmatch works, several times slower";
  }
  if (StateOfAmx() == AmxState::kUsed)
    checks.push_back(
        {"AMX", Health::kOk, "tiles give the products of the portable kernels and are used", ""});
  if (StateOfAmx() == AmxState::kWrong)
    checks.push_back({"AMX", Health::kNote, std::string("not used: ") + kWrongAmxText,
                      "results are right without it; please report this machine's processor and hypervisor"});
  return checks;
}

DoctorCheck CheckThreads(const CommonOptions& common) {
  const int available = AvailableCores(), used = NumWorkers(common);
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  DoctorCheck check{"threads", Health::kOk,
                    std::to_string(used) + " used; this process may use " + std::to_string(available) +
                        " of the machine's " + std::to_string(cores) + " cores",
                    ""};
  if (used > available) {
    check.health = Health::kNote;
    check.advice = "more threads than cores make nothing faster: --num_threads " + std::to_string(available);
  }
  return check;
}

DoctorCheck CheckGpu(const CommonOptions& common) {
  const int count = static_cast<int>(torch::cuda::device_count());
  if (torch::cuda::is_available() && count > 0) {
    return {"GPU", Health::kOk,
            std::to_string(count) + " CUDA device" + (count == 1 ? "" : "s") +
                (common.device == "cpu" ? ", not used: --device cpu" : ", used"),
            ""};
  }
  const bool asked = common.device.rfind("cuda", 0) == 0;
  if (fs::exists("/dev/nvidiactl")) {
    return {"GPU", asked ? Health::kProblem : Health::kNote,
            "there is one of NVIDIA's, but this LibTorch does not use it",
            "build with PyPI's torch (preset gpu, see README.md)"};
  }
  if (asked) return {"GPU", Health::kProblem, "none is seen, --device " + common.device, "use --device auto"};
  return {"GPU", Health::kOk, "none is seen; the CPU does the work", ""};
}

template <typename Loaded>
DoctorCheck CheckNetwork(const std::string& name, const std::string& path,
                         Loaded (*load)(const std::string&)) {
  const auto loaded = load(path);
  const auto licence = loaded.metadata.find("licence");
  return {name, Health::kOk,
          path + ", licence " + (licence == loaded.metadata.end() ? "not stated" : licence->second) +
              ", SHA-256 " + loaded.sha256,
          ""};
}

std::vector<DoctorCheck> CheckWeights(const CommonOptions& common) {
  std::vector<DoctorCheck> checks;
  try {
    const WeightsPaths paths = ResolveWeights(common.weights);
    checks.push_back(CheckNetwork("SuperPoint weights", paths.superpoint, LoadSuperPoint));
    if (!paths.superglue.empty())
      checks.push_back(CheckNetwork("SuperGlue weights", paths.superglue, LoadSuperGlue));
  } catch (const Error& error) {
    checks.push_back({"weights " + common.weights, Health::kProblem, error.what(),
                      "install colmatch whole, or name weights by --weights or COLMATCH_WEIGHTS"});
  }
  return checks;
}

}  // namespace

std::vector<DoctorCheck> CheckMachine(const CommonOptions& common) {
  std::vector<DoctorCheck> checks = {CheckProgram(), CheckLibTorch(), CheckMatrixProducts()};
  for (auto& check : CheckProcessor()) checks.push_back(std::move(check));
  checks.push_back(CheckThreads(common));
  checks.push_back(CheckGpu(common));
  for (auto& check : CheckWeights(common)) checks.push_back(std::move(check));
  return checks;
}

}  // namespace colmatch
