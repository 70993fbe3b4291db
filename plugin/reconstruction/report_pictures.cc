// Pictures of pairs; see report_pictures.h.
#include "plugin/reconstruction/report_pictures.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "plugin/extraction/colmap_convert.h"
#include "plugin/photos/image_reader.h"
#include "plugin/report/match_picture.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

std::vector<cv::Point2f> PointsForPicture(ColmapDatabase& database, image_t id) {
  std::vector<cv::Point2f> points;
  for (const auto& p : PointsInColmap(database.ReadKeypoints(id))) {
    points.emplace_back(static_cast<float>(p.x()), static_cast<float>(p.y()));
  }
  return points;
}

// Evenly chosen where there are many: hundreds of lines hide the photos.
std::vector<std::pair<int, int>> MatchesForPicture(const Matches& inliers) {
  constexpr size_t kMaxLines = 120;
  const size_t count = std::min(inliers.size(), kMaxLines);
  std::vector<std::pair<int, int>> matches;
  for (size_t k = 0; k < count; ++k) {
    const auto& m = inliers[k * inliers.size() / count];
    matches.emplace_back(static_cast<int>(m[0]), static_cast<int>(m[1]));
  }
  return matches;
}

std::string Caption(const PicturedPair& pictured, const Image& a, const Image& b, size_t num_drawn) {
  const ReportPair& pair = pictured.pair;
  std::string caption = pictured.why + a.name + " - " + b.name + ": " + std::to_string(pair.num_inliers) +
                        " inliers of " + std::to_string(pair.num_matches) + " matches";
  const int there = pair.num_inliers > 0 ? pair.num_inliers : pair.num_matches;
  if (num_drawn < static_cast<size_t>(there))
    caption += "; " + std::to_string(num_drawn) + " of them are drawn";
  return caption;
}

}  // namespace

std::vector<PicturedPair> ChoosePictures(const std::vector<ReportPair>& pairs, int count) {
  std::vector<ReportPair> verified, others;
  for (const ReportPair& pair : pairs) (pair.num_inliers > 0 ? verified : others).push_back(pair);
  std::stable_sort(verified.begin(), verified.end(),
                   [](const auto& a, const auto& b) { return a.num_inliers > b.num_inliers; });
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return a.num_matches > b.num_matches; });
  std::vector<PicturedPair> chosen;
  std::set<std::pair<int, int>> taken;
  const auto take = [&](const ReportPair& pair, const char* why) {
    if (taken.insert({pair.i, pair.j}).second) chosen.push_back({pair, why});
  };
  const size_t spread = std::min(verified.size(), static_cast<size_t>(std::max(0, count)));
  for (size_t k = 0; k < spread; ++k)
    take(verified[spread > 1 ? k * (verified.size() - 1) / (spread - 1) : 0], "");
  const size_t extremes = static_cast<size_t>(std::max(0, count)) / 2;
  for (size_t k = std::min(verified.size(), extremes); k > 0; --k)
    take(verified[verified.size() - k], "among the worst verified: ");
  for (size_t k = 0; k < std::min(others.size(), extremes); ++k) {
    if (others[k].num_matches > 0) take(others[k], "among the best that were not verified: ");
  }
  return chosen;
}

void AddMatchPictures(ColmapDatabase& database, const std::vector<Image>& images,
                      const std::filesystem::path& image_path, int count, ReportData& report) {
  for (const PicturedPair& pictured : ChoosePictures(report.pairs, count)) {
    const ReportPair& pair = pictured.pair;
    const Image &a = images[static_cast<size_t>(pair.i)], &b = images[static_cast<size_t>(pair.j)];
    const auto matches = MatchesForPicture(
        pair.num_inliers > 0 ? database.ReadTwoViewGeometry(a.image_id, b.image_id).inlier_matches
                             : database.ReadMatches(a.image_id, b.image_id));
    try {
      const cv::Mat first = ReadGrayImage(PhotoPath(image_path, a.name)).gray;
      const cv::Mat second = ReadGrayImage(PhotoPath(image_path, b.name)).gray;
      report.pictures.push_back({Caption(pictured, a, b, matches.size()),
                                 DrawMatches(first, PointsForPicture(database, a.image_id), second,
                                             PointsForPicture(database, b.image_id), matches, {})});
    } catch (const InputError&) {  // named where it was to be read for its features
    }
  }
}

}  // namespace colmatch
