// Atomic file writing; see atomic_file.h.
#include "util/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kTemporary[] = ".tmp";  // and the process id, so that two programs do not share one

[[noreturn]] void Fail(const std::string& action, const std::string& path) {
  throw EnvironmentError(path + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace

void WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + kTemporary + std::to_string(getpid());
  // One of an earlier process with this id is in the way. O_EXCL: a link that someone planted is not
  // followed.
  unlink(temporary.c_str());
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
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

void RemoveStaleTemporaries(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const std::string start = fs::path(path).filename().string() + kTemporary;
  std::vector<fs::path> stale;
  std::error_code error;  // a folder that is not there has nothing to remove
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.rfind(start, 0) != 0) continue;
    pid_t process = 0;
    const auto [rest, parse_error] =
        std::from_chars(name.data() + start.size(), name.data() + name.size(), process);
    if (parse_error != std::errc() || rest != name.data() + name.size() || process <= 0) continue;
    const bool dead = kill(process, 0) != 0 && errno == ESRCH;
    if (dead && fs::is_regular_file(entry->symlink_status())) stale.push_back(entry->path());
  }
  for (const fs::path& temporary : stale) fs::remove(temporary, error);
}

void MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && !fs::is_directory(path, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) {
    throw EnvironmentError(path + ": cannot make this folder: " + error.message() +
                           "; name another, or remove what is in the way");
  }
}

}  // namespace colmatch
