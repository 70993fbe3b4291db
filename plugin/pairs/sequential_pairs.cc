// Sequential pairs; see sequential_pairs.h.
#include "plugin/pairs/sequential_pairs.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <unordered_map>

#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

// How many places further on the neighbours are, smallest first; all below the number of images.
std::vector<int64_t> Offsets(const SequentialOptions& options, int64_t num_images) {
  std::set<int64_t> offsets;
  for (int64_t i = 1; i <= options.overlap && i < num_images; ++i) offsets.insert(i);
  if (options.quadratic_overlap) {
    int64_t offset = 1;
    for (int k = 0; k < options.overlap && offset < num_images; ++k, offset *= 2) offsets.insert(offset);
  }
  return {offsets.begin(), offsets.end()};
}

// Which images share a frame with which: of index, the indices of all images of its frame, itself among them.
class Frames {
 public:
  Frames(const std::vector<Image>& images, const std::vector<std::vector<image_t>>& shared_frames) {
    if (shared_frames.empty()) return;
    std::unordered_map<image_t, int> index_of;
    for (size_t i = 0; i < images.size(); ++i) index_of[images[i].image_id] = static_cast<int>(i);
    for (const auto& frame : shared_frames) {
      std::vector<int> members;
      for (const image_t id : frame) {
        if (const auto found = index_of.find(id); found != index_of.end()) members.push_back(found->second);
      }
      for (const int member : members) frame_of_[member] = members_.size();
      members_.push_back(std::move(members));
    }
  }
  bool IsShared(int index) const { return frame_of_.count(index) != 0; }
  const std::vector<int>& MembersOfFrameOf(int index) const {
    static const std::vector<int> none;
    const auto found = frame_of_.find(index);
    return found == frame_of_.end() ? none : members_[found->second];
  }

 private:
  std::vector<std::vector<int>> members_;
  std::unordered_map<int, size_t> frame_of_;
};

}  // namespace

bool IsBeforeInSequence(const std::string& a, const std::string& b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  // The end of the number that starts at `at`, whose leading zeros are skipped.
  const auto end_of_number = [&](const std::string& text, size_t* at) {
    while (*at + 1 < text.size() && text[*at] == '0' && is_digit(text[*at + 1])) ++*at;
    size_t end = *at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end;
  };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const size_t i_end = end_of_number(a, &i), j_end = end_of_number(b, &j);
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      if (const int order = a.compare(i, i_end - i, b, j, j_end - j)) return order < 0;
      i = i_end;
      j = j_end;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  const size_t rest_a = a.size() - i, rest_b = b.size() - j;
  return rest_a != rest_b ? rest_a < rest_b : a < b;
}

std::vector<int> OrderByName(const std::vector<Image>& images) {
  std::vector<int> order(images.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return IsBeforeInSequence(images[a].name, images[b].name); });
  for (size_t i = 1; i < order.size(); ++i) {
    const std::string& before = images[order[i - 1]].name;
    const std::string& after = images[order[i]].name;
    if (before < after) continue;
    LogInfo("the sequence is by the numbers in the names: " + before + " comes before " + after +
            "; COLMAP's sequential_matcher orders them the other way round");
    break;
  }
  return order;
}

void SequentialOptions::Validate() const { kOverlap.Require(overlap); }

std::vector<ImagePair> SequentialPairs(const std::vector<Image>& images,
                                       const std::vector<std::vector<image_t>>& shared_frames,
                                       const SequentialOptions& options) {
  options.Validate();
  const std::vector<int> order = OrderByName(images);
  const auto num_images = static_cast<int64_t>(order.size());
  const std::vector<int64_t> offsets = Offsets(options, num_images);
  const Frames frames(images,
                      options.expand_rig_images ? shared_frames : std::vector<std::vector<image_t>>());

  std::vector<ImagePair> pairs;
  const auto pair_with_frame = [&](int image, int of) {
    for (const int member : frames.MembersOfFrameOf(of)) {
      if (member != image) pairs.emplace_back(image, member);
    }
  };
  for (int64_t i = 0; i < num_images; ++i) {
    const int image = order[i];
    pair_with_frame(image, image);
    for (const int64_t offset : offsets) {
      if (i + offset >= num_images) break;
      const int other = order[i + offset];
      // By name, one camera's sequence of a rig ends where the next one's begins: no neighbours in time.
      const bool in_rig = frames.IsShared(image) || frames.IsShared(other);
      if (in_rig && images[image].camera_id != images[other].camera_id) continue;
      pairs.emplace_back(image, other);
      pair_with_frame(image, other);
    }
  }
  return pairs;
}

}  // namespace colmatch
