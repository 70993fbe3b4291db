// libFuzzer's entry points for the one target this program is linked with.
//   fuzz_NAME --write_seeds FOLDER     writes the seed corpus instead of fuzzing
#include <cstdio>
#include <cstring>
#include <fstream>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc != 3 || std::strcmp((*argv)[1], "--write_seeds") != 0) return 0;
  int number = 0;
  for (const std::string& seed : colmatch::FuzzTargets().front().seeds()) {
    const auto path = std::filesystem::path((*argv)[2]) / ("seed" + std::to_string(number++));
    std::ofstream(path, std::ios::binary) << seed;
  }
  std::printf("%d seeds\n", number);
  std::exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  colmatch::FuzzTargets().front().run({reinterpret_cast<const char*>(data), size});
  return 0;
}
