// Where a program that runs colmatch inside itself (python/) receives what `colmatch` shows on standard
// error.
#pragma once

#include <cstdint>
#include <string>

namespace colmatch {

// Any thread may call these functions, several at once.
class Host {
 public:
  virtual ~Host() = default;
  virtual void OnProgress(const std::string& label, int64_t done, int64_t total) = 0;
  virtual void OnLog(bool is_warning, const std::string& message) = 0;
  // Results of a command by name, and the inputs it could not use.
  virtual void OnCount(const std::string& name, int64_t value) = 0;
  virtual void OnSkipped(const std::string& name, const std::string& reason) = 0;
};

// nullptr: there is none, as in the program. The host must outlive its use.
void SetHost(Host* host);
Host* CurrentHost();

}  // namespace colmatch
