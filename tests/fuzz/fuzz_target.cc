// What every target shares; see fuzz_target.h.
#include "tests/fuzz/fuzz_target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

namespace colmatch {

std::vector<FuzzTarget>& FuzzTargets() {
  static std::vector<FuzzTarget> targets;
  return targets;
}

InputFile::InputFile(std::string_view bytes) : descriptor_(memfd_create("fuzz_input", MFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::runtime_error("no file in memory");
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (count <= 0) throw std::runtime_error("the file in memory cannot be written");
    done += static_cast<size_t>(count);
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

InputFile::~InputFile() { close(descriptor_); }

}  // namespace colmatch
