// Where the pages of docs/ are on this machine.
#pragma once

#include <string>

namespace colmatch {

// The path of a page as messages name it: installed beside the program (share/doc/colmatch/docs), or in the
// source folder; "docs/PAGE" where neither is there.
std::string DocumentationPage(const std::string& page);

}  // namespace colmatch
