// Reading a weights file; see read_file.h.
#include "network/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "network/error.h"

namespace colmatch {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string Reason() { return std::strerror(errno); }

}  // namespace

std::string ReadWeightsFile(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw WeightsError(path + ": cannot be opened: " + Reason());
  struct stat status;
  if (fstat(file.get(), &status) != 0) throw WeightsError(path + ": cannot be read: " + Reason());
  if (!S_ISREG(status.st_mode)) throw WeightsError(path + ": is not a regular file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > kMaxWeightsFileSize) {
    throw WeightsError(path + ": has " + std::to_string(size) + " bytes, expected at most " +
                       std::to_string(kMaxWeightsFileSize));
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(file.get(), &bytes[done], bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw WeightsError(path + ": cannot be read: " + Reason());
    if (n == 0) throw WeightsError(path + ": became shorter while it was read");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace colmatch
