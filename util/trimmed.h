// Lines of the text files that people and COLMAP write.
#pragma once

#include <string_view>

namespace colmatch {

inline constexpr std::string_view kBlanks = " \t\r\n";  // COLMAP's StringTrim

// Without blanks at its ends; a view of the same characters.
inline std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace colmatch
