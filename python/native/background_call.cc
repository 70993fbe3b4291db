// Work in the background; see background_call.h.
#include "python/native/background_call.h"

#include <algorithm>

#include "plugin/runtime/stop_signal.h"

namespace colmatch {
namespace {

// Of the one call that is worked on.
std::timed_mutex& Turn() {
  static std::timed_mutex turn;
  return turn;
}

}  // namespace

BackgroundCall::BackgroundCall(std::function<void()> work)
    : thread_([this, work = std::move(work)] { Run(work); }) {}

BackgroundCall::~BackgroundCall() {
  Stop();
  thread_.join();
}

bool BackgroundCall::WaitForTurn() {
  constexpr auto kInterval = std::chrono::milliseconds(20);
  while (!Turn().try_lock_for(kInterval)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return false;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  running_ = !stopped_;
  if (!running_) Turn().unlock();
  return running_;
}

void BackgroundCall::Run(const std::function<void()>& work) {
  if (WaitForTurn()) {
    SetHost(this);
    try {
      work();
    } catch (...) {
      error_ = std::current_exception();
    }
    SetHost(nullptr);
    const std::lock_guard<std::mutex> lock(mutex_);
    running_ = false;
    ForgetStop();
    Turn().unlock();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool BackgroundCall::WaitFor(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return ended_; });
}

void BackgroundCall::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  if (running_) RequestStop();
}

CallEvents BackgroundCall::TakeEvents() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(events_, {});
}

CallResults BackgroundCall::Results() {
  if (error_) std::rethrow_exception(error_);
  return std::move(results_);
}

void BackgroundCall::OnProgress(const std::string& label, int64_t done, int64_t total) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& progress = events_.progress;
  const auto known = std::find_if(progress.begin(), progress.end(),
                                  [&](const ProgressEvent& event) { return event.label == label; });
  if (known == progress.end()) {
    progress.push_back({label, done, total});
  } else {
    *known = {label, done, total};
  }
}

void BackgroundCall::OnLog(bool is_warning, const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  events_.log.push_back({is_warning, message});
}

void BackgroundCall::OnCount(const std::string& name, int64_t value) {
  const std::lock_guard<std::mutex> lock(mutex_);
  results_.counts[name] = value;
}

void BackgroundCall::OnSkipped(const std::string& name, const std::string& reason) {
  const std::lock_guard<std::mutex> lock(mutex_);
  results_.skipped.emplace_back(name, reason);
}

}  // namespace colmatch
