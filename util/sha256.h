// SHA-256 (FIPS 180-4): names a weights file by its content. Not meant to be fast: about 200 MB/s.
#pragma once

#include <string>
#include <string_view>

namespace colmatch {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace colmatch
