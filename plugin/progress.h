// A progress bar with rate and time left, on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace colmatch {

class ProgressBar {
 public:
  // mode: auto (only on a terminal), on, off.
  ProgressBar(std::string label, int64_t total, const std::string& mode);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void SetTotal(int64_t total) { total_ = total; }  // where it shows only on the way
  void Update(int64_t done, const std::string& note = "");

 private:
  std::string label_;
  int64_t total_;
  int64_t first_ = -1;  // where a resumed task began: its rate counts from there
  bool enabled_;
  std::chrono::steady_clock::time_point start_, last_draw_;
};

}  // namespace colmatch
