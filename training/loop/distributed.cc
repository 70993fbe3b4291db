// Processes that train together; see distributed.h.
#include "training/loop/distributed.h"

#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "util/error.h"

#ifdef COLMATCH_WITH_GLOO
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace colmatch {
namespace {

// A whole number from the environment; -1 where the variable is not set.
int FromVariable(const char* name, int low, int high) {
  const char* text = std::getenv(name);
  if (text == nullptr) return -1;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < low || value > high) {
    throw UsageError(std::string(name) + " must be a whole number in [" + std::to_string(low) + ", " +
                     std::to_string(high) + "], found '" + text + "'");
  }
  return static_cast<int>(value);
}

#ifdef COLMATCH_WITH_GLOO
// LibTorch 2.4 and later take libuv for their store unless told otherwise; Debian's are built without libuv.
template <typename Options>
auto KeepOffLibUv(Options& options, int) -> decltype(void(options.useLibUV)) {
  options.useLibUV = false;
}
template <typename Options>
void KeepOffLibUv(Options&, long) {}  // older ones have no libuv
#endif

}  // namespace

#ifdef COLMATCH_WITH_GLOO
struct Replicas::Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
};
#else
struct Replicas::Group {};
#endif

Replicas::Replicas() = default;
Replicas::~Replicas() = default;
Replicas::Replicas(Replicas&&) noexcept = default;
Replicas& Replicas::operator=(Replicas&&) noexcept = default;

Replicas Replicas::FromEnvironment() {
  Replicas replicas;
  const int size = FromVariable("WORLD_SIZE", 1, 4096);
  if (size <= 1) return replicas;
  const int rank = FromVariable("RANK", 0, size - 1), port = FromVariable("MASTER_PORT", 1, 65535);
  const char* host = std::getenv("MASTER_ADDR");
  if (rank < 0 || port < 0 || host == nullptr) {
    throw UsageError("WORLD_SIZE is " + std::to_string(size) +
                     ": RANK, MASTER_ADDR and MASTER_PORT must be set too, as torchrun does");
  }
  replicas.rank_ = rank;
  replicas.size_ = size;
#ifdef COLMATCH_WITH_GLOO
  try {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = rank == 0;
    options.numWorkers = static_cast<std::size_t>(size);
    KeepOffLibUv(options, 0);
    replicas.group_ = std::make_unique<Group>();
    replicas.group_->store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const auto gloo = c10d::ProcessGroupGloo::Options::create();
    gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    replicas.group_->gloo =
        c10::make_intrusive<c10d::ProcessGroupGloo>(replicas.group_->store, rank, size, gloo);
  } catch (const std::exception& error) {
    throw EnvironmentError("process " + std::to_string(rank) + " of " + std::to_string(size) +
                           ": the others were not found at " + host + ":" + std::to_string(port) + " (" +
                           error.what() + ")");
  }
  return replicas;
#else
  throw UsageError(
      "WORLD_SIZE is " + std::to_string(size) +
      ": this build trains in one process only; build it with Debian's LibTorch and libgloo-dev");
#endif
}

void Replicas::Sum(torch::Tensor& flat) {
  if (size_ == 1) return;
#ifdef COLMATCH_WITH_GLOO
  try {
    std::vector<torch::Tensor> tensors = {flat};
    group_->gloo->allreduce(tensors)->wait();
  } catch (const std::exception& error) {
    throw EnvironmentError("process " + std::to_string(rank_) + " of " + std::to_string(size_) +
                           ": another process of this training is gone (" + error.what() +
                           "); start all again with --resume");
  }
#endif
}

}  // namespace colmatch
