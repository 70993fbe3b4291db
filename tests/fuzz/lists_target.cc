// Files that a person writes: image lists (plugin/photos/image_reader.h) and .ini projects
// (plugin/options/project_file.h), by the first byte.
#include "plugin/options/project_file.h"
#include "plugin/photos/image_reader.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

void ReadImageList(const std::string& path) {
  for (const std::string& name : ListImages("/proc/self", path)) {
    const std::filesystem::path listed(name);
    if (name.empty() || listed.is_absolute() || name.find('\n') != std::string::npos) std::abort();
    for (const auto& part : listed) {
      if (part == "..") std::abort();
    }
  }
}

void ReadProject(const std::string& path) {
  const std::vector<std::string> said = {"feature_extractor", "--project_path", path, "--image_path", "said"};
  for (const std::string& argument : ExpandProjectFiles(said)) {
    if (argument.rfind("--image_path=", 0) == 0) std::abort();  // the command line wins
  }
}

bool Run(std::string_view input) {
  if (input.empty()) return false;
  const InputFile file(input.substr(1));
  return Accepted([&] { (input[0] % 2 == 0 ? ReadImageList : ReadProject)(file.path()); });
}

std::vector<std::string> Seeds() {
  const std::string list(1, '\0'), project = "\1";
  return {list + "a.jpg\n  sub/b c.jpg\r\n\n\xC3\xBC.png\n",
          project +
              "# comment\ndatabase_path = a.db\nimage_path = x\n[ImageReader]\nsingle_camera=1\n"
              "camera_params = 1, 2, 3\n[SuperPoint]\nmax_num_features = 12\n"};
}

const RegisterFuzzTarget registered({"lists", Run, Seeds});

}  // namespace
}  // namespace colmatch
