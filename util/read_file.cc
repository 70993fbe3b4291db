// Reading files whole; see read_file.h.
#include "util/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "util/error.h"

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

// Every failure is an E.
template <typename E>
std::string ReadRegularFile(const std::string& path, uint64_t max_size) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw E(path + ": cannot be opened: " + Reason());
  struct stat status;
  if (fstat(file.get(), &status) != 0) throw E(path + ": cannot be read: " + Reason());
  if (!S_ISREG(status.st_mode)) throw E(path + ": is not a regular file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > max_size) {
    throw E(path + ": has " + std::to_string(size) + " bytes, expected at most " + std::to_string(max_size));
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(file.get(), &bytes[done], bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw E(path + ": cannot be read: " + Reason());
    if (n == 0) throw E(path + ": became shorter while it was read");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace

std::string ReadWholeFile(const std::string& path) {
  return ReadRegularFile<EnvironmentError>(path, std::numeric_limits<int64_t>::max());
}

std::string ReadWeightsFile(const std::string& path) {
  return ReadRegularFile<WeightsError>(path, kMaxWeightsFileSize);
}

}  // namespace colmatch
