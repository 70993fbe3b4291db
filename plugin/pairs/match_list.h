// COLMAP's match lists, the text files of `matches_importer`: hostile input, read a line at a time. Without
// database and LibTorch, so that a fuzz target can feed it.
//
//   --match_type pairs       one pair a line, two names with a blank between; lines that begin with # are
//   comments
//   --match_type raw|inliers blocks: a line with two names, then a line with two keypoint numbers for each
//   match,
//                            then an empty line
//
// What stands behind the second name or number is left out, as COLMAP does. COLMAP splits names at blanks;
// here a line is read by the names the database knows, so that names may hold blanks, and one that could be
// two pairs is refused.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/colmap_types.h"
#include "util/image_names.h"

namespace colmatch {

// An image that a list may name.
struct ListedImage {
  std::string name;
  int64_t num_keypoints = -1;  // -1: it has no features; match numbers must be below this
};

// What could not be used, and why; lines of the same kind are told once, with how many they are.
class ListProblems {
 public:
  struct Problem {
    std::string name, reason;
  };
  void Add(std::string_view name, const std::string& reason, int64_t line);
  bool empty() const { return count_.empty() && num_not_kept_ == 0; }
  std::vector<Problem> All() const;  // in the order of their first lines

 private:
  struct Count {
    int64_t first_line = 0, lines = 0;
  };
  std::map<std::pair<std::string, std::string>, Count> count_;
  int64_t num_not_kept_ = 0;
};

// Images by name.
class ListedNames {
 public:
  explicit ListedNames(const std::vector<ListedImage>& images);

  struct Reading {
    int first = -1, second = -1;  // indices of the images; -1: the line cannot be used
    std::string name, reason;     // then of the problem
  };
  // Of a line without blanks at its ends.
  Reading Read(std::string_view line) const;
  const ListedImage& image(int index) const { return images_[index]; }

 private:
  int Find(std::string_view name) const;  // -1: not there

  const std::vector<ListedImage>& images_;
  ImageNames names_;
};

// Trimmed lines of a stream. Longer ones than any two names are cut, so that no line fills the memory. Throws
// EnvironmentError if the stream cannot be read.
class LineReader {
 public:
  static constexpr size_t kMaxLength = 16384;
  LineReader(std::istream& stream, std::string path) : stream_(stream), path_(std::move(path)) {}
  bool Next();  // false: there are no more lines
  std::string_view text() const { return text_; }
  int64_t number() const { return number_; }  // from 1
  bool is_cut() const { return is_cut_; }
  const std::string& path() const { return path_; }

 private:
  std::istream& stream_;
  std::string path_, line_;
  std::string_view text_;
  int64_t number_ = 0;
  bool is_cut_ = false;
};

// The pairs of a list of type `pairs` in its order, each once; first and second as the line names them.
// Throws UsageError if a line looks like matches: the type is wrong then.
std::vector<std::pair<int, int>> ReadPairList(LineReader& lines, const ListedNames& names,
                                              ListProblems& problems);

struct ListedMatches {
  int first = -1, second = -1;  // as the block names them
  Matches matches;              // each once, below the images' numbers of keypoints
  int64_t num_repeated = 0;     // lines that came before in the block
};

// The blocks of a list of type `raw` or `inliers`. A block that holds anything wrong is left out whole.
class MatchListReader {
 public:
  MatchListReader(LineReader& lines, const ListedNames& names, ListProblems& problems)
      : lines_(lines), names_(names), problems_(problems) {}
  bool Next(ListedMatches& block);                    // false: there are no more
  int64_t num_blocks() const { return num_blocks_; }  // so far, good and bad

 private:
  std::string ReadMatches(ListedMatches& block);
  void SkipBlock();

  LineReader& lines_;
  const ListedNames& names_;
  ListProblems& problems_;
  std::set<std::pair<int, int>> seen_;
  int64_t num_blocks_ = 0;
};

}  // namespace colmatch
