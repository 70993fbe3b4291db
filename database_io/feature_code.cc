// Codes of features; see feature_code.h.
#include "database_io/feature_code.h"

#include <cstdint>
#include <cstdio>

namespace colmatch {
namespace {

constexpr char kMark[] = " features ";
constexpr size_t kDigits = 16;

bool IsCode(std::string_view text) {
  return text == "none" ||
         (text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

}  // namespace

std::string CodeOf(std::initializer_list<std::string_view> parts) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const std::string_view part : parts) {
    for (const char c : part) add(static_cast<unsigned char>(c));
    for (uint64_t size = part.size(), i = 0; i < 8; ++i) add(static_cast<unsigned char>(size >> (8 * i)));
  }
  char text[kDigits + 1];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string WithFeatureCodes(const std::string& text, const std::string& code1, const std::string& code2) {
  return text + kMark + code1 + ' ' + code2;
}

CodedText SplitFeatureCodes(const std::string& text) {
  const auto mark = text.rfind(kMark);
  if (mark == std::string::npos) return {text, "", ""};
  const std::string codes = text.substr(mark + sizeof(kMark) - 1);
  const auto blank = codes.find(' ');
  if (blank == std::string::npos) return {text, "", ""};
  const std::string code1 = codes.substr(0, blank), code2 = codes.substr(blank + 1);
  if (!IsCode(code1) || !IsCode(code2)) return {text, "", ""};
  return {text.substr(0, mark), code1, code2};
}

}  // namespace colmatch
