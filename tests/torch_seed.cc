// Reseeds LibTorch before each test of the programs that link it.
#include <torch/utils.h>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

[[maybe_unused]] const bool kInstalled = [] {
  ReseedHook() = [] { torch::manual_seed(kTestSeed); };
  return true;
}();

}  // namespace
}  // namespace colmatch
