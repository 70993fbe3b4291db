// What both sessions do with their options.
#pragma once

#include <string>
#include <vector>

#include "python/native/sessions.h"

namespace colmatch {

// Parsed and checked. Throws UsageError.
void ParseSessionOptions(const std::vector<std::string>& arguments, SessionOptions& options);

// Sets the threads of what computes while it lives. LibTorch's and OpenCV's numbers are then as before, for
// programs that use them beside colmatch.
class ThreadsInUse {
 public:
  explicit ThreadsInUse(int threads);
  ~ThreadsInUse();
  ThreadsInUse(const ThreadsInUse&) = delete;
  ThreadsInUse& operator=(const ThreadsInUse&) = delete;

 private:
  int torch_before_, opencv_before_;
};

}  // namespace colmatch
