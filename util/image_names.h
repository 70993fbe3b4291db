// One form of an image's name, wherever it is written: in lists, in databases of other programs, below a
// folder.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace colmatch {

// As COLMAP stores names: '/' between folders, no "." folders, no empty ones: "./a.jpg", "a//b.jpg" and
// "a\\b.jpg" become "a.jpg" and "a/b.jpg". ".." stays.
std::string NormalImageName(std::string_view name);

// Finds images by name: as it is, or else in its normal form.
class ImageNames {
 public:
  explicit ImageNames(const std::vector<std::string>& names);
  int Find(std::string_view name) const;  // index; -1: there is none, or several have this normal form
  size_t longest() const { return longest_; }

 private:
  std::unordered_map<std::string, int> exact_, normal_;
  size_t longest_ = 0;
};

// The names, each replaced by the name under which a database has the image, if it has.
std::vector<std::string> NamesAsStored(const std::vector<std::string>& names,
                                       const std::vector<std::string>& stored);

// The file of an image: of its name as it is, or in normal form where there is no such file.
std::filesystem::path PhotoPath(const std::filesystem::path& folder, const std::string& name);

// Text files of names are UTF-8, or bytes: passes over UTF-8's byte order mark at the start. Throws
// UsageError where the text is UTF-16 or UTF-32, with a mark or without.
void SkipByteOrderMark(std::istream& stream, const std::string& path);

}  // namespace colmatch
