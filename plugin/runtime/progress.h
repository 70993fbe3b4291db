// Progress on standard error: a bar with rate and time left on a terminal, COLMAP's own lines elsewhere.
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

// The lines "Processed file [i/n]" and "Matching block [i/n, j/n]" that COLMAP prints, for programs that
// start it and read them. mode: of ProgressBar; only with auto, and only where standard error is no terminal.
class ProgressLines {
 public:
  explicit ProgressLines(const std::string& mode);

  void File(int64_t number, int64_t total, const std::string& name, int64_t num_features) const;
  // A photo that gave nothing.
  void FileFailed(int64_t number, int64_t total, const std::string& name) const;
  // position: "1/2, 1/2" (PairSource::position); the time is since the last call, or since the beginning.
  void Block(const std::string& position);

 private:
  bool enabled_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace colmatch
