// COLMAP 4 as judge of two-view geometries: pycolmap on the same synthetic pairs.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "geometry/camera.h"
#include "tests/geometry/synthetic_pair.h"
#include "tests/temporary_folder.h"

namespace colmatch {

// What pycolmap says about a pair: the configuration and which matches are inliers.
struct Verdict {
  int config = -1;
  Matches inlier_matches;
};

inline std::string PairAsText(const SyntheticPair& pair) {
  std::ostringstream text;
  text.precision(17);
  for (const Camera* camera : {&pair.camera1, &pair.camera2}) {
    text << camera->camera_id << ' ' << CameraModelById(camera->model_id).name << ' ' << camera->width << ' '
         << camera->height << ' ' << camera->has_prior_focal_length;
    for (const double value : camera->params) text << ' ' << value;
    text << '\n';
  }
  for (const auto& match : pair.matches) {
    text << pair.points1[match[0]].transpose() << ' ' << pair.points2[match[1]].transpose() << '\n';
  }
  return text.str();
}

// One process for all pairs: starting Python takes longer than its work.
inline std::vector<Verdict> AskPycolmap(const std::string& python, const std::vector<SyntheticPair>& pairs) {
  const TemporaryFolder folder;
  const std::string output = (folder.path() / "verdicts.txt").string();
  std::string command = "'" + python + "' '" COLMATCH_SOURCE_DIR "/tests/geometry/pycolmap_two_view.py'";
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    command += " '" + folder.Write(std::to_string(i), PairAsText(pairs[i])).string() + "'";
  }
  std::vector<Verdict> verdicts;
  if (std::system((command + " > '" + output + "'").c_str()) != 0) return verdicts;
  std::ifstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Verdict verdict;
    fields >> verdict.config;
    for (std::size_t match; fields >> match;) {
      verdict.inlier_matches.push_back(pairs[verdicts.size()].matches.at(match));
    }
    verdicts.push_back(verdict);
  }
  return verdicts;
}

}  // namespace colmatch
