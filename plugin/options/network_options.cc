// Scales; see network_options.h.
#include "plugin/options/network_options.h"

namespace colmatch {

CLI::Option* AddScales(CLI::App& app, std::vector<double>& scales, const std::string& otherwise) {
  return app
      .add_option(
          "--SuperPoint.scales", scales,
          "sizes at which a photo is processed, as factors of its own, such as 1.4,1,0.7,0.5; 1: as it "
          "is, as published (default: " +
              otherwise + ")")
      ->delimiter(',')
      ->allow_extra_args(false);
}

}  // namespace colmatch
