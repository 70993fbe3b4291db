// The causes, in the order of the pipeline; see reconstruction_failure.h.
#include "plugin/reconstruction/reconstruction_failure.h"

#include <algorithm>
#include <sstream>

namespace colmatch {
namespace {

// colmap mapper's --Mapper.init_min_num_inliers; it halves it twice before it gives up.
constexpr int kInitialInliers = 100;
constexpr int kFewKeypoints = 100;

constexpr char kOverlap[] =
    "Take photos with more overlap (two thirds of a photo in the next) and a step to the side between them, "
    "not a turn on the spot.";
constexpr char kLarger[] =
    "If the photos are large, raise --SuperPoint.max_image_size and --SuperPoint.max_num_features.";

std::string Plural(size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

FailureExplanation TooFewPhotos(const ReportData& report) {
  const std::string skipped =
      report.skipped.empty() ? "" : "; " + Plural(report.skipped.size(), "input") + " could not be used";
  return {
      (report.images.empty() ? "There is no photo to work on" : "There is only one photo") + skipped + ".",
      {"A reconstruction needs at least two photos, and is good from about ten on."}};
}

std::string LastLine(const std::string& log) {
  std::istringstream lines(log);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  return last;
}

FailureExplanation NoInitialPair(const ReportData& report, size_t num_verified, const ReportPair& best) {
  const std::string pairs =
      std::to_string(num_verified) + " of " + std::to_string(report.pairs.size()) + " pairs";
  const std::string name = report.images[best.i].name + " - " + report.images[best.j].name;
  if (best.num_inliers < kInitialInliers) {
    return {"No good initial pair: " + pairs + " were verified, and the best (" + name + ") has " +
                Plural(best.num_inliers, "inlier") + " where the mapper wants " +
                std::to_string(kInitialInliers) + ".",
            {kOverlap, kLarger,
             "To try with weak pairs: colmap mapper --Mapper.init_min_num_inliers 30 "
             "--Mapper.abs_pose_min_num_inliers 15."}};
  }
  return {"No good initial pair: " + pairs + " were verified, the best (" + name + ") with " +
              Plural(best.num_inliers, "inlier") +
              ", but from none does the mapper see the scene from two clearly different places.",
          {kOverlap,
           "A flat scene with an unknown focal length leaves the mapper without a scale of depth: give the "
           "camera by --ImageReader.camera_params, or keep the EXIF data in the photos.",
           "To try with small angles: colmap mapper --Mapper.init_min_tri_angle 4."}};
}

}  // namespace

FailureExplanation ExplainFailure(const ReportData& report, const std::string& mapper_log) {
  const size_t num_images = report.images.size();
  if (num_images < 2) return TooFewPhotos(report);
  const auto few = std::count_if(report.images.begin(), report.images.end(),
                                 [](const auto& image) { return image.num_keypoints < kFewKeypoints; });
  const auto fewer = [](const ReportPair& a, const ReportPair& b) { return a.num_inliers < b.num_inliers; };
  const auto best = std::max_element(report.pairs.begin(), report.pairs.end(), fewer);
  const auto verified = std::count_if(report.pairs.begin(), report.pairs.end(),
                                      [](const ReportPair& pair) { return pair.num_inliers > 0; });
  if (verified == 0 && few > static_cast<std::ptrdiff_t>(num_images) / 2) {
    return {std::to_string(few) + " of " + Plural(num_images, "photo") + " have fewer than " +
                std::to_string(kFewKeypoints) + " keypoints: they are blurred, dark or without texture.",
            {"Look at the photos that have fewest keypoints, below.", kLarger,
             "Dim photos may need a lower --SuperPoint.keypoint_threshold."}};
  }
  if (verified == 0) {
    return {"No good initial pair: none of " + std::to_string(report.pairs.size()) +
                " pairs was verified; no two photos show the same thing in a way that can be recognised.",
            {"Check that the photos are of one scene.", kOverlap, kLarger}};
  }
  if (mapper_log.empty() || mapper_log.find("No good initial image pair found") != std::string::npos)
    return NoInitialPair(report, static_cast<size_t>(verified), *best);
  return {"colmap mapper ended without a model; its last line is: " + LastLine(mapper_log),
          {"Its whole output is in mapper.log, beside this page.", kOverlap}};
}

}  // namespace colmatch
