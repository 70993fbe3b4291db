// Pages of the documentation; see documentation.h.
#include "plugin/options/documentation.h"

#include <filesystem>
#include <system_error>

namespace colmatch {

std::string DocumentationPage(const std::string& page) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {program.parent_path().parent_path() / "share/doc/colmatch/docs",
                                 fs::path(COLMATCH_SOURCE_WEIGHTS).parent_path() / "docs"}) {
    if (fs::exists(folder / page, error)) return (folder / page).string();
  }
  return "docs/" + page;
}

}  // namespace colmatch
