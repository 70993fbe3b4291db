// Which pairs of a reconstruction are shown, and their pictures.
#pragma once

#include <filesystem>
#include <vector>

#include "database_io/colmap_database.h"
#include "plugin/report/report.h"

namespace colmatch {

struct PicturedPair {
  ReportPair pair;
  const char* why;  // before the caption
};

// `count` pairs spread from most to fewest inliers, then the worst verified and the best unverified ones
// (those with most matches), at most half as many each: errors are among these. None twice.
std::vector<PicturedPair> ChoosePictures(const std::vector<ReportPair>& pairs, int count);

// Draws them into report.pictures. images: those that the pairs' indices are of. A photo that can no longer
// be read costs its pictures.
void AddMatchPictures(ColmapDatabase& database, const std::vector<Image>& images,
                      const std::filesystem::path& image_path, int count, ReportData& report);

}  // namespace colmatch
