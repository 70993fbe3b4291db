// Signals; see stop_signal.h.
#include "plugin/runtime/stop_signal.h"

#include <unistd.h>

#include <csignal>

namespace colmatch {
namespace {

std::atomic<bool> g_stop{false};
std::atomic<int> g_signal{0};

void OnSignal(int signal) {
  if (g_stop.exchange(true)) _exit(128 + signal);
  g_signal = signal;
}

}  // namespace

void InstallSignalHandlers() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void RestoreSignals() {
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
}

const std::atomic<bool>& StopRequested() { return g_stop; }

void RequestStop() {
  g_signal = SIGINT;
  g_stop = true;
}

void ForgetStop() {
  g_stop = false;
  g_signal = 0;
}

int StopStatus() { return g_stop ? 128 + g_signal : 0; }

}  // namespace colmatch
