// Match lists; see match_list.h.
#include "plugin/pairs/match_list.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "util/error.h"
#include "util/trimmed.h"

namespace colmatch {
namespace {

constexpr size_t kMaxProblems = 1000;
constexpr size_t kMostSuperfluous = 64;  // characters that a name may lose in its normal form

std::vector<std::string> NamesOf(const std::vector<ListedImage>& images) {
  std::vector<std::string> names;
  for (const ListedImage& image : images) names.push_back(image.name);
  return names;
}

// Takes the next word off the front of text; empty: there is none.
std::string_view TakeWord(std::string_view& text) {
  text = Trimmed(text);
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// False if text is anything but a number that fits.
bool ParseIndex(std::string_view text, uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return IsNumber(text) && error == std::errc() && end == text.data() + text.size();
}

// For a message: no control characters, no endless text.
std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string quoted(text.substr(0, kLongest));
  for (char& c : quoted) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  return "\"" + quoted + (text.size() > kLongest ? "..." : "") + "\"";
}

}  // namespace

void ListProblems::Add(std::string_view name, const std::string& reason, int64_t line) {
  const std::pair<std::string, std::string> key(Quoted(name), reason);
  const auto found = count_.find(key);
  if (found != count_.end()) {
    ++found->second.lines;
  } else if (count_.size() < kMaxProblems) {
    count_[key] = {line, 1};
  } else {
    ++num_not_kept_;
  }
}

std::vector<ListProblems::Problem> ListProblems::All() const {
  std::vector<std::pair<int64_t, Problem>> by_line;
  for (const auto& [key, count] : count_) {
    std::string where = " (line " + std::to_string(count.first_line);
    if (count.lines > 1) where += " and " + std::to_string(count.lines - 1) + " more";
    by_line.push_back({count.first_line, {key.first, key.second + where + ")"}});
  }
  std::stable_sort(by_line.begin(), by_line.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Problem> all;
  for (auto& [line, problem] : by_line) all.push_back(std::move(problem));
  if (num_not_kept_ > 0)
    all.push_back({std::to_string(num_not_kept_) + " further lines of the list", "cannot be used either"});
  return all;
}

ListedNames::ListedNames(const std::vector<ListedImage>& images) : images_(images), names_(NamesOf(images)) {}

// A longer word than any name cannot be one, but for the "./" and the like before it.
int ListedNames::Find(std::string_view name) const {
  return name.size() > names_.longest() + kMostSuperfluous ? -1 : names_.Find(name);
}

ListedNames::Reading ListedNames::Read(std::string_view line) const {
  std::set<std::pair<int, int>> readings;
  const auto consider = [&](std::string_view name1, std::string_view name2) {
    const int first = Find(name1);
    const int second = first < 0 ? -1 : Find(name2);
    if (second >= 0) readings.emplace(first, second);
  };
  // As COLMAP: two words, the rest is left out.
  std::string_view rest = line;
  const std::string_view word1 = TakeWord(rest), word2 = TakeWord(rest);
  if (word2.empty()) return {-1, -1, std::string(line), "expected the names of two images"};
  consider(word1, word2);
  // The whole line, split at any of its blanks.
  for (size_t begin = line.find_first_of(kBlanks);
       begin != std::string_view::npos && begin <= names_.longest() + kMostSuperfluous;) {
    const size_t end = line.find_first_not_of(kBlanks, begin);
    consider(line.substr(0, begin), line.substr(end));
    begin = line.find_first_of(kBlanks, end);
  }
  if (readings.size() == 1) return {readings.begin()->first, readings.begin()->second, "", ""};
  if (readings.size() > 1) {
    const auto text = [&](const std::pair<int, int>& pair) {
      return Quoted(images_[pair.first].name) + " and " + Quoted(images_[pair.second].name);
    };
    return {-1, -1, std::string(line),
            "could be " + text(*readings.begin()) + " or " + text(*std::next(readings.begin())) +
                ": the blanks in the names leave both open; rename the images"};
  }
  const bool has_two_words = Trimmed(rest).empty();
  if (!has_two_words) return {-1, -1, std::string(line), "is not two names of images in the database"};
  return {-1, -1, std::string(Find(word1) < 0 ? word1 : word2), "is not in the database"};
}

bool LineReader::Next() {
  line_.clear();
  is_cut_ = false;
  constexpr int kEnd = std::char_traits<char>::eof();
  int c = kEnd;
  try {
    std::streambuf& buffer = *stream_.rdbuf();
    for (c = buffer.sbumpc(); c != kEnd && c != '\n'; c = buffer.sbumpc()) {
      if (line_.size() < kMaxLength) {
        line_ += static_cast<char>(c);
      } else {
        is_cut_ = true;
      }
    }
  } catch (const std::ios_base::failure&) {
    throw EnvironmentError(path_ + ": cannot be read after line " + std::to_string(number_));
  }
  text_ = Trimmed(line_);
  if (c == kEnd && line_.empty()) return false;
  ++number_;
  return true;
}

std::vector<std::pair<int, int>> ReadPairList(LineReader& lines, const ListedNames& names,
                                              ListProblems& problems) {
  std::vector<std::pair<int, int>> pairs;
  std::set<std::pair<int, int>> seen;
  while (lines.Next()) {
    const std::string_view line = lines.text();
    if (line.empty() || line[0] == '#') continue;
    if (lines.is_cut()) {
      problems.Add(line, "is too long for two names", lines.number());
      continue;
    }
    const ListedNames::Reading reading = names.Read(line);
    if (reading.first < 0) {
      std::string_view rest = line;
      if (IsNumber(TakeWord(rest)) && IsNumber(TakeWord(rest))) {
        throw UsageError(lines.path() + ":" + std::to_string(lines.number()) +
                         ": expected the names of two images, found " + Quoted(line) +
                         "; for a list of matches say --match_type raw, or inliers");
      }
      problems.Add(reading.name, reading.reason, lines.number());
    } else if (reading.first == reading.second) {
      problems.Add(names.image(reading.first).name, "cannot be matched with itself", lines.number());
    } else if (seen.insert(std::minmax(reading.first, reading.second)).second) {
      pairs.emplace_back(reading.first, reading.second);
    }
  }
  return pairs;
}

bool MatchListReader::Next(ListedMatches& block) {
  while (lines_.Next()) {
    const std::string_view line = lines_.text();
    if (line.empty()) continue;
    const ListedNames::Reading reading =
        lines_.is_cut() ? ListedNames::Reading{-1, -1, std::string(line), "is too long for two names"}
                        : names_.Read(line);
    if (reading.first < 0 && line[0] == '#') continue;
    ++num_blocks_;
    const int64_t number = lines_.number();
    if (reading.first < 0) {
      problems_.Add(reading.name, reading.reason, number);
      SkipBlock();
      continue;
    }
    block = {reading.first, reading.second, {}, 0};
    const std::string pair_name = names_.image(block.first).name + " " + names_.image(block.second).name;
    std::string reason = ReadMatches(block);
    if (block.first == block.second) {
      reason = "a photo cannot be matched with itself";
    } else if (reason.empty() && !seen_.insert(std::minmax(block.first, block.second)).second) {
      reason = "this pair came before";
    }
    if (reason.empty()) return true;
    problems_.Add(pair_name, reason, number);
  }
  return false;
}

// The rest of a block, or why it is left out.
std::string MatchListReader::ReadMatches(ListedMatches& block) {
  const ListedImage* images[2] = {&names_.image(block.first), &names_.image(block.second)};
  for (const ListedImage* image : images) {
    if (image->num_keypoints >= 0) continue;
    SkipBlock();
    return Quoted(image->name) + " has no keypoints in the database: run feature_extractor first";
  }
  std::unordered_set<uint64_t> seen;
  while (lines_.Next() && !lines_.text().empty()) {
    std::string_view rest = lines_.text();
    std::array<uint32_t, 2> match = {};
    const auto fail = [&](const std::string& why) {
      std::string reason = "line " + std::to_string(lines_.number()) + ": " + why;
      SkipBlock();
      return reason;
    };
    for (int k = 0; k < 2; ++k) {
      const std::string_view word = TakeWord(rest);
      if (!ParseIndex(word, match[k])) {
        const bool is_pair = names_.Read(lines_.text()).first >= 0;
        return fail("expected two keypoint numbers, found " + Quoted(lines_.text()) +
                    (is_pair ? "; a list of names alone is read with --match_type pairs"
                             : "; an empty line ends a pair"));
      }
      if (match[k] >= static_cast<uint64_t>(images[k]->num_keypoints)) {
        return fail("keypoint " + std::to_string(match[k]) + " of " + Quoted(images[k]->name) +
                    ", which has " + std::to_string(images[k]->num_keypoints));
      }
    }
    if (seen.insert((uint64_t{match[0]} << 32) | match[1]).second) {
      block.matches.push_back(match);
    } else {
      ++block.num_repeated;
    }
  }
  return "";
}

void MatchListReader::SkipBlock() {
  while (!lines_.text().empty() && lines_.Next()) {
  }
}

}  // namespace colmatch
