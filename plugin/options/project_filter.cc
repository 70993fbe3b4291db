// Settings of project files; see project_filter.h.
#include "plugin/options/project_filter.h"

#include <algorithm>

namespace colmatch {

ProjectFilter::ProjectFilter(const CLI::App& app, const std::string& command,
                             const std::vector<std::string>& arguments) {
  const auto subs = app.get_subcommands([&](const CLI::App* sub) { return sub->check_name(command); });
  if (!subs.empty()) sub_ = subs.front();
  for (const std::string& argument : arguments) {
    if (argument.rfind("--", 0) == 0) LeavesOut(argument.substr(0, argument.find('=')));
  }
}

bool ProjectFilter::LeavesOut(const std::string& option) {
  if (sub_ == nullptr) return false;
  if (const CLI::Option* known = sub_->get_option_no_throw(option))
    return said_.try_emplace(known, option).first->second != option;
  const auto dot = option.find('.');
  if (dot == std::string::npos) return option == "--image_path" || option == "--database_path";
  return !HasSection(option.substr(2, dot - 1));
}

// By the options' own names, the first: an alias alone makes no section.
bool ProjectFilter::HasSection(const std::string& prefix) const {
  const auto options = sub_->get_options();
  return std::any_of(options.begin(), options.end(), [&](const CLI::Option* known) {
    return !known->get_lnames().empty() && known->get_lnames().front().rfind(prefix, 0) == 0;
  });
}

}  // namespace colmatch
