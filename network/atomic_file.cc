// Atomic file writing; see atomic_file.h.
#include "network/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "network/error.h"

namespace colmatch {
namespace {

[[noreturn]] void Fail(const std::string& action, const std::string& path) {
  throw EnvironmentError(path + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace

void WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp" + std::to_string(getpid());
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) Fail("create a file beside it", path);
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = write(file, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int cause = errno;
      close(file);
      unlink(temporary.c_str());
      errno = cause;
      Fail("write", path);
    }
    written += static_cast<size_t>(count);
  }
  const bool stored = fsync(file) == 0;
  if (close(file) != 0 || !stored || rename(temporary.c_str(), path.c_str()) != 0) {
    const int cause = errno;
    unlink(temporary.c_str());
    errno = cause;
    Fail("store", path);
  }
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) Fail("open", path);
  std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) Fail("read", path);
  return bytes;
}

}  // namespace colmatch
