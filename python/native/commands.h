// The program's commands and options for Python: declared, parsed and run as on the command line.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

struct OptionInfo {
  std::string name;                  // without the leading "--"
  std::vector<std::string> aliases;  // other spellings, as COLMAP's
  std::string default_value;         // as --help shows it
  std::string type;                  // INT, UINT, FLOAT, BOOLEAN, TEXT; with ":{a,b}" where values are listed
  std::string help;
  bool required = false, hidden = false;
};

// Of the options of FeatureExtractor and FeatureMatcher (sessions.h), which are no commands.
inline constexpr char kExtractorOptions[] = "FeatureExtractor";
inline constexpr char kMatcherOptions[] = "FeatureMatcher";

// The options of a command, or of one of the two above. Throws UsageError for another name.
std::vector<OptionInfo> DescribeOptions(const std::string& command);

// The first line of the command's --help.
std::string DescribeCommand(const std::string& command);

// arguments: command, options. Returns the exit status; throws UsageError for what cannot be parsed, and what
// the command throws.
int RunInProcess(const std::vector<std::string>& arguments);

}  // namespace colmatch
