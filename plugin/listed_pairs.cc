// Pairs of a text file; see listed_pairs.h.
#include "plugin/listed_pairs.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <unordered_map>

#include "network/error.h"

namespace colmatch {
namespace {

constexpr size_t kPairsAtATime = 10000;

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

using Index = std::unordered_map<std::string_view, int>;

// Any blank may be the one between the names.
bool FindPair(std::string_view line, const Index& index, ImagePair& pair) {
  for (size_t blank = line.find_first_of(" \t"); blank != std::string_view::npos;
       blank = line.find_first_of(" \t", blank + 1)) {
    const auto first = index.find(Trimmed(line.substr(0, blank)));
    const auto second = index.find(Trimmed(line.substr(blank)));
    if (first == index.end() || second == index.end()) continue;
    pair = std::minmax(first->second, second->second);
    return pair.first != pair.second;
  }
  return false;
}

}  // namespace

ListedPairs::ListedPairs(const std::string& path, const std::vector<Image>& images) {
  Index index;
  for (size_t i = 0; i < images.size(); ++i) index[images[i].name] = static_cast<int>(i);
  std::ifstream file(path);
  if (!file) throw UsageError("--match_list_path " + path + ": cannot be read");
  int64_t number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    const std::string_view line = Trimmed(text);
    if (line.empty() || line[0] == '#') continue;
    ImagePair pair;
    if (!FindPair(line, index, pair)) {
      throw InputError(path + ", line " + std::to_string(number) + " (" + std::string(line) +
                       "): expected the names of two images of the database that have features");
    }
    pairs_.push_back(pair);
  }
  std::sort(pairs_.begin(), pairs_.end());
  pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
}

std::vector<ImagePair> ListedPairs::Next() {
  const size_t end = std::min(pairs_.size(), next_ + kPairsAtATime);
  std::vector<ImagePair> block(pairs_.begin() + static_cast<std::ptrdiff_t>(next_),
                               pairs_.begin() + static_cast<std::ptrdiff_t>(end));
  next_ = end;
  return block;
}

}  // namespace colmatch
