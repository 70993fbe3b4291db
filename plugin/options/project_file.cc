// Project files; see project_file.h.
#include "plugin/options/project_file.h"

#include <fstream>
#include <set>

#include "util/error.h"
#include "util/image_names.h"
#include "util/trimmed.h"

namespace colmatch {
namespace {

struct Setting {
  std::string option, value;
};

std::vector<Setting> ReadProjectFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot open the project file");
  SkipByteOrderMark(file, path);
  std::vector<Setting> settings;
  std::string section, line;
  for (int number = 1; std::getline(file, line); ++number) {
    line = std::string(Trimmed(line));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      section = std::string(Trimmed(line.substr(1, line.size() - 2))) + ".";
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string::npos) {
      throw UsageError(path + ":" + std::to_string(number) + ": expected \"key = value\", found \"" + line +
                       "\"");
    }
    const std::string value(Trimmed(line.substr(equals + 1)));
    if (!value.empty())
      settings.push_back({"--" + section + std::string(Trimmed(line.substr(0, equals))), value});
  }
  return settings;
}

}  // namespace

std::vector<std::string> ExpandProjectFiles(std::vector<std::string> arguments,
                                            const std::function<bool(const std::string&)>& is_foreign) {
  std::vector<std::string> kept, files;
  std::set<std::string> said;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    if (name == "--project_path" || name == "--config") {
      if (equals == std::string::npos && i + 1 >= arguments.size())
        throw UsageError(name + ": a file name is missing");
      files.push_back(equals == std::string::npos ? arguments[++i] : arguments[i].substr(equals + 1));
      continue;
    }
    if (name.rfind("--", 0) == 0) said.insert(name);
    kept.push_back(arguments[i]);
  }
  for (const std::string& file : files) {
    std::set<std::string> in_file;  // a key may come several times: an option with several values
    for (const Setting& setting : ReadProjectFile(file)) {
      if (said.count(setting.option) != 0 || (is_foreign && is_foreign(setting.option))) continue;
      in_file.insert(setting.option);
      kept.push_back(setting.option + "=" + setting.value);
    }
    said.merge(in_file);
  }
  return kept;
}

}  // namespace colmatch
