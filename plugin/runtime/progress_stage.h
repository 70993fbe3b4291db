// Where in a whole of several stages the bars of plugin/runtime/progress.h are.
#pragma once

#include <string>

namespace colmatch {

// While one lives, bars of its thread begin with "2/3 ".
class ProgressStage {
 public:
  ProgressStage(int number, int total);
  ~ProgressStage();
  ProgressStage(const ProgressStage&) = delete;
  ProgressStage& operator=(const ProgressStage&) = delete;

 private:
  std::string before_;
};

// "2/3 "; empty outside of any.
const std::string& CurrentProgressStage();

std::string DurationText(double seconds);  // "1:02:03"

}  // namespace colmatch
