// Loaded into colmatch (LD_PRELOAD) by write_faults_test.cc: the n-th write, truncation or sync of files
// whose path holds COLMATCH_FAULT_PATH ends otherwise. In the environment: COLMATCH_FAULT_AT, n from 1;
// COLMATCH_FAULT, "kill" (the process, before the n-th), "once" (it fails with EIO) or "ever" (it and all
// that follow); COLMATCH_FAULT_COUNT, a file that grows by a byte with each.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

ssize_t RealWrite(int fd, const void* bytes, size_t count) {
  static auto* real = Real<ssize_t(int, const void*, size_t)>("write");
  return real(fd, bytes, count);
}

bool IsWatched(int fd) {
  static const char* watched = std::getenv("COLMATCH_FAULT_PATH");
  if (watched == nullptr) return false;
  char path[PATH_MAX];
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof(path) - 1);
  return size > 0 && (path[size] = 0, std::strstr(path, watched) != nullptr);
}

void Count() {
  static const char* file = std::getenv("COLMATCH_FAULT_COUNT");
  if (file == nullptr) return;
  static const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  RealWrite(fd, "", 1);
}

// Whether this one is to fail; errno is then set.
bool Fails(int fd) {
  static std::atomic<long> number{0};
  static const char* at = std::getenv("COLMATCH_FAULT_AT");
  static const std::string fault = std::getenv("COLMATCH_FAULT") ? std::getenv("COLMATCH_FAULT") : "";
  if (!IsWatched(fd)) return false;
  Count();
  const long left = (at == nullptr ? LONG_MAX : std::atol(at)) - ++number;
  if (left > 0 || (left < 0 && fault != "ever")) return false;
  if (fault == "kill") kill(getpid(), SIGKILL);
  errno = EIO;
  return true;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  return Fails(fd) ? -1 : RealWrite(fd, bytes, count);
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static auto* real = Real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return Fails(fd) ? -1 : real(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static auto* real = Real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return Fails(fd) ? -1 : real(fd, bytes, count, offset);
}
int ftruncate(int fd, off_t size) noexcept {
  static auto* real = Real<int(int, off_t)>("ftruncate");
  return Fails(fd) ? -1 : real(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  static auto* real = Real<int(int, off64_t)>("ftruncate64");
  return Fails(fd) ? -1 : real(fd, size);
}
int fsync(int fd) {
  static auto* real = Real<int(int)>("fsync");
  return Fails(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
  static auto* real = Real<int(int)>("fdatasync");
  return Fails(fd) ? -1 : real(fd);
}
}
