// Listed pairs; see homography_pairs.h.
#include "plugin/experiments/homography_pairs.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "util/error.h"

namespace colmatch {
namespace {

using Json = nlohmann::json;

ListedPair PairFrom(const Json& row) {
  ListedPair pair;
  const Json &images = row.at("images"), &h = row.at("h");
  if (!images.is_array() || images.size() != 2) throw std::runtime_error("`images` has not two names");
  for (size_t v = 0; v < 2; ++v) pair.names[v] = images[v].get<std::string>();
  if (!h.is_array() || h.size() != 3) throw std::runtime_error("`h` has not three rows");
  for (size_t r = 0; r < 3; ++r) {
    if (!h[r].is_array() || h[r].size() != 3) throw std::runtime_error("a row of `h` has not three numbers");
    for (size_t c = 0; c < 3; ++c) pair.h1_from_0.m[3 * r + c] = h[r][c].get<double>();
  }
  pair.h1_from_0.Inverse();  // throws for a singular one
  return pair;
}

}  // namespace

std::vector<ListedPair> ReadHomographyPairs(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw UsageError(path + ": cannot be read");
  Json rows;
  try {
    rows = Json::parse(file);
  } catch (const Json::exception& error) {
    throw InputError(path + ": expected a JSON list of pairs (`images` and `h`), found " + error.what());
  }
  if (!rows.is_array()) throw InputError(path + ": expected a JSON list of pairs, found " + rows.type_name());
  if (rows.empty()) throw UsageError(path + ": lists no pair");
  std::vector<ListedPair> pairs;
  for (size_t i = 0; i < rows.size(); ++i) {
    try {
      pairs.push_back(PairFrom(rows[i]));
    } catch (const std::exception& error) {
      throw InputError(path + ": pair " + std::to_string(i) +
                       ": expected `images` (two names) and `h` (three rows of three numbers), found " +
                       error.what());
    }
  }
  return pairs;
}

}  // namespace colmatch
