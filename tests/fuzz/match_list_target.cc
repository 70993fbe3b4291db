// Match lists of COLMAP's matches_importer (plugin/pairs/match_list.h): pairs or blocks of matches, by the
// first byte.
#include <sstream>

#include "plugin/pairs/match_list.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

const std::vector<ListedImage>& Images() {
  static const std::vector<ListedImage> images = {{"a.jpg", 3}, {"b c.jpg", 2}, {"c.jpg", -1}, {"d.jpg", 4}};
  return images;
}

bool IsImage(int index) { return index >= 0 && index < static_cast<int>(Images().size()); }

bool ReadPairs(LineReader& lines, const ListedNames& names, ListProblems& problems) {
  for (const auto& [first, second] : ReadPairList(lines, names, problems)) {
    if (!IsImage(first) || !IsImage(second) || first == second) std::abort();
  }
  return problems.empty();
}

bool ReadBlocks(LineReader& lines, const ListedNames& names, ListProblems& problems) {
  MatchListReader reader(lines, names, problems);
  for (ListedMatches block; reader.Next(block);) {
    if (!IsImage(block.first) || !IsImage(block.second) || block.first == block.second) std::abort();
    for (const auto& match : block.matches) {
      if (match[0] >= Images()[block.first].num_keypoints || match[1] >= Images()[block.second].num_keypoints)
        std::abort();
    }
  }
  return problems.empty();
}

bool Run(std::string_view input) {
  if (input.empty()) return false;
  std::istringstream stream{std::string(input.substr(1))};
  LineReader lines(stream, "list");
  const ListedNames names(Images());
  ListProblems problems;
  bool whole = false;
  return Accepted([&] { whole = (input[0] % 2 == 0 ? ReadPairs : ReadBlocks)(lines, names, problems); }) &&
         whole;
}

std::vector<std::string> Seeds() {
  return {std::string(1, '\0') + "# pairs\na.jpg b c.jpg\r\n\nb c.jpg d.jpg\n",
          "\1a.jpg b c.jpg\n0 1\n2 0\n\nd.jpg a.jpg\n3 2\n\n"};
}

const RegisterFuzzTarget registered({"match_list", Run, Seeds});

}  // namespace
}  // namespace colmatch
