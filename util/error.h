// The one error channel: libraries throw these, main() turns them into the exit status of DESIGN.md
// section 4.
#pragma once

#include <stdexcept>
#include <string>

namespace colmatch {

// Base: what() names the thing, what was expected, what was found and what to do.
class Error : public std::runtime_error {
 public:
  Error(int exit_status, const std::string& message)
      : std::runtime_error(message), exit_status_(exit_status) {}
  int exit_status() const { return exit_status_; }

 private:
  int exit_status_;
};

// An option or argument is wrong.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(1, message) {}
};

// One input (a photo, a line of a list) is bad; the others are still worked on.
struct InputError : Error {
  explicit InputError(const std::string& message) : Error(2, message) {}
};

// The environment prevents the work: database locked, damaged or foreign, disk full, read-only, GPU lost.
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& message) : Error(3, message) {}
};

// A weights file is refused.
struct WeightsError : Error {
  explicit WeightsError(const std::string& message) : Error(4, message) {}
};

}  // namespace colmatch
