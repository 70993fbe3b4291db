// Suffixes; see photo_provenance.h.
#include "plugin/extraction/photo_provenance.h"

#include <algorithm>

namespace colmatch {
namespace {

constexpr char kMask[] = " mask ";
constexpr char kTurns[] = " quarter_turns ";

}  // namespace

std::string PhotoSuffix(const std::string& mask, int quarter_turns) {
  return (mask.empty() ? "" : kMask + mask) +
         (quarter_turns == 0 ? "" : kTurns + std::to_string(quarter_turns));
}

std::string PhotoSuffixOf(const std::string& provenance) {
  const auto begin = std::min(provenance.find(kMask), provenance.find(kTurns));
  return begin == std::string::npos ? "" : provenance.substr(begin);
}

int QuarterTurnsOf(const std::string& provenance) {
  const auto found = provenance.find(kTurns);
  const auto digit = found == std::string::npos ? found : found + sizeof(kTurns) - 1;
  if (digit >= provenance.size() || provenance[digit] < '0' || provenance[digit] > '3') return 0;
  return provenance[digit] - '0';
}

}  // namespace colmatch
