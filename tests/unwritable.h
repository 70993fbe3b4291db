// Something that cannot be written for the length of a test.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace colmatch {

// A file or folder nobody can write, root included, until the end of the scope.
class Unwritable {
 public:
  explicit Unwritable(const std::string& path) : path_(path) {
    if (geteuid() == 0) {
      worked_ = std::system(("chattr +i '" + path + "' 2>/dev/null").c_str()) == 0;
    } else {
      worked_ = chmod(path.c_str(), std::filesystem::is_directory(path) ? 0555 : 0444) == 0;
    }
  }
  ~Unwritable() {
    if (!worked_) return;
    if (geteuid() != 0) {
      chmod(path_.c_str(), 0755);
    } else if (std::system(("chattr -i '" + path_ + "'").c_str()) != 0) {
      ADD_FAILURE() << "could not make " << path_ << " writable again";
    }
  }
  bool worked() const { return worked_; }

 private:
  std::string path_;
  bool worked_ = false;
};

}  // namespace colmatch
