// Selects the pairs that the report shows, and draws their matches.
#pragma once

#include <filesystem>
#include <vector>

#include "database_io/colmap_database.h"
#include "plugin/report/report.h"

namespace colmatch {

struct PicturedPair {
  ReportPair pair;
  const char* why;  // text in front of the caption
};

// Selects `count` pairs that are evenly distributed from most to fewest inliers, then the worst verified
// pairs and the best unverified pairs (those with the most matches), at most count / 2 of each, because
// errors are most likely among these. No pair is selected twice.
std::vector<PicturedPair> ChoosePictures(const std::vector<ReportPair>& pairs, int count);

// Draws the selected pairs into report.pictures. The pairs' indices refer to `images`. Pairs of a photo that
// can no longer be read are left out.
void AddMatchPictures(ColmapDatabase& database, const std::vector<Image>& images,
                      const std::filesystem::path& image_path, int count, ReportData& report);

}  // namespace colmatch
