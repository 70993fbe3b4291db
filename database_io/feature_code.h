// A short code of an image's features, by which a pair knows again what it was matched from.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace colmatch {

// 16 hexadecimal digits of the bytes of all parts (FNV-1a, 64 bits), the borders between them included.
std::string CodeOf(std::initializer_list<std::string_view> parts);

// A pair's provenance with the codes of both images' features behind it: "TEXT features CODE1 CODE2", the
// image with the smaller id first.
std::string WithFeatureCodes(const std::string& text, const std::string& code1, const std::string& code2);

struct CodedText {
  std::string text;
  std::string code1, code2;  // empty: an older colmatch wrote the text, without codes
};
CodedText SplitFeatureCodes(const std::string& text);

}  // namespace colmatch
