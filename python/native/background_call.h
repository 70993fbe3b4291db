// Work in a thread of its own, so that the caller can show progress and request a stop (Ctrl-C) meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/runtime/host.h"

namespace colmatch {

struct ProgressEvent {
  std::string label;
  int64_t done = 0, total = 0;
};

struct LogEvent {
  bool is_warning = false;
  std::string message;
};

struct CallEvents {
  std::vector<ProgressEvent> progress;  // the latest of each label
  std::vector<LogEvent> log;
};

// What a command of the program reports beside its exit status.
struct CallResults {
  std::map<std::string, int64_t> counts;
  std::vector<std::pair<std::string, std::string>> skipped;  // input, reason
};

// One call at a time is worked on in a process: stop requests, threads and log level belong to the process.
// A further one waits for its turn.
class BackgroundCall : private Host {
 public:
  explicit BackgroundCall(std::function<void()> work);
  ~BackgroundCall() override;  // requests a stop and waits
  BackgroundCall(const BackgroundCall&) = delete;
  BackgroundCall& operator=(const BackgroundCall&) = delete;

  // True once the work has ended.
  bool WaitFor(std::chrono::milliseconds time);
  void Stop();
  CallEvents TakeEvents();
  // After the end: what the work reported, or throws what it threw.
  CallResults Results();

 private:
  void OnProgress(const std::string& label, int64_t done, int64_t total) override;
  void OnLog(bool is_warning, const std::string& message) override;
  void OnCount(const std::string& name, int64_t value) override;
  void OnSkipped(const std::string& name, const std::string& reason) override;
  void Run(const std::function<void()>& work);
  bool WaitForTurn();  // false: stopped before it came

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false, running_ = false, ended_ = false;
  CallEvents events_;
  CallResults results_;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace colmatch
