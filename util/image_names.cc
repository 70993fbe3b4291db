// Names of images; see image_names.h.
#include "util/image_names.h"

#include <algorithm>
#include <system_error>

#include "util/error.h"

namespace colmatch {

std::string NormalImageName(std::string_view name) {
  std::string normal;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.size(), name.find_first_of("/\\", begin));
    const std::string_view part = name.substr(begin, end - begin);
    const bool is_root = begin == 0 && part.empty() && !name.empty();  // of an absolute path
    if (is_root) normal = "/";
    if (!part.empty() && part != ".") {
      if (!normal.empty() && normal.back() != '/') normal += '/';
      normal += part;
    }
    begin = end + 1;
  }
  return normal;
}

ImageNames::ImageNames(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    exact_.emplace(names[i], static_cast<int>(i));
    const auto [found, is_new] = normal_.emplace(NormalImageName(names[i]), static_cast<int>(i));
    if (!is_new) found->second = -1;
    longest_ = std::max(longest_, names[i].size());
  }
}

int ImageNames::Find(std::string_view name) const {
  const auto exact = exact_.find(std::string(name));
  if (exact != exact_.end()) return exact->second;
  const auto normal = normal_.find(NormalImageName(name));
  return normal == normal_.end() ? -1 : normal->second;
}

std::vector<std::string> NamesAsStored(const std::vector<std::string>& names,
                                       const std::vector<std::string>& stored) {
  const ImageNames known(stored);
  std::vector<std::string> result;
  for (const std::string& name : names) {
    const int found = known.Find(name);
    result.push_back(found < 0 ? name : stored[static_cast<size_t>(found)]);
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

std::filesystem::path PhotoPath(const std::filesystem::path& folder, const std::string& name) {
  std::error_code ignored;
  std::filesystem::path path = folder / name;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return path;
  std::filesystem::path normal = folder / NormalImageName(name);
  return std::filesystem::exists(normal, ignored) ? normal : path;
}

void SkipByteOrderMark(std::istream& stream, const std::string& path) {
  constexpr int kEnd = std::char_traits<char>::eof();
  std::streambuf& buffer = *stream.rdbuf();
  std::string head;
  for (int c = buffer.sgetc(); head.size() < 4 && c != kEnd; c = buffer.snextc())
    head += static_cast<char>(c);
  const bool wide = head.rfind("\xFF\xFE", 0) == 0 || head.rfind("\xFE\xFF", 0) == 0 ||
                    head.substr(0, 2).find('\0') != std::string::npos;
  if (wide) {
    throw UsageError(
        path +
        " is text in UTF-16 or UTF-32, expected UTF-8: save it as UTF-8 (in PowerShell: Out-File "
        "-Encoding utf8)");
  }
  const size_t mark = head.rfind("\xEF\xBB\xBF", 0) == 0 ? 3 : 0;
  for (size_t i = head.size(); i > mark; --i) buffer.sungetc();
}

}  // namespace colmatch
