// An option of SuperPoint that several commands take and that is a list, which AddOption does not declare.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace colmatch {

// --SuperPoint.scales. otherwise: what an empty list means, for the help.
CLI::Option* AddScales(CLI::App& app, std::vector<double>& scales, const std::string& otherwise);

}  // namespace colmatch
