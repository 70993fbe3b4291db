// The host; see host.h.
#include "plugin/runtime/host.h"

#include <atomic>

namespace colmatch {
namespace {

std::atomic<Host*> g_host{nullptr};

}  // namespace

void SetHost(Host* host) { g_host = host; }

Host* CurrentHost() { return g_host; }

}  // namespace colmatch
