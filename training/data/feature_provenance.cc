// Provenance of cached features; see feature_provenance.h.
#include "training/data/feature_provenance.h"

#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "network/architecture.h"
#include "util/error.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

using Lines = std::map<std::string, std::string>;

Lines Parse(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const size_t space = line.find(' ');
    lines[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return lines;
}

std::string ValueOf(const Lines& lines, const std::string& key) {
  const auto found = lines.find(key);
  return found == lines.end() ? "missing" : found->second;
}

std::string HashOf(const std::vector<ShardPhoto>& photos) {
  std::ostringstream text;
  for (const ShardPhoto& photo : photos)
    text << photo.name << '\0' << photo.width << 'x' << photo.height << '\n';
  return Sha256Hex(text.str());
}

}  // namespace

std::string ProvenanceOfFeatures(const std::string& superpoint_sha256, const std::vector<ShardPhoto>& photos,
                                 const FeatureSetOptions& o) {
  // Taken apart like this, a field that is added to either does not compile until it is listed here.
  const auto& [difficulty, max_angle_deg, translation, min_convexity] = o.homography;
  const auto& [strength, gamma, contrast, brightness, noise, blur, shade, blur_probability,
               motion_blur_probability, shade_probability, invert_probability] = o.photometric;
  const auto& [max_objects, max_tilt, max_turn, max_roll, max_distance_ratio] = o.scene;
  std::ostringstream text;
  text.precision(std::numeric_limits<float>::max_digits10);
  const auto line = [&](const char* key, const auto&... values) {
    text << key;
    ((text << ' ' << values), ...);
    text << '\n';
  };
  line("superpoint", superpoint_sha256);
  line("photos", photos.size(), HashOf(photos));
  line("views_per_photo", o.views_per_photo);
  line("view_size", o.view_width, o.view_height);
  line("num_keypoints", o.num_keypoints);
  line("keypoint_threshold", o.keypoints.keypoint_threshold);
  line("nms_radius", o.keypoints.nms_radius);
  line("remove_borders", o.keypoints.remove_borders);
  if (o.keypoints.refinement_radius >= 0) line("refinement_radius", o.keypoints.refinement_radius);
  if (o.keypoints.place_radius >= 0) line("place_radius", o.keypoints.place_radius);
  if (!o.keypoints.scales.empty()) line("scales", JoinNumbers(o.keypoints.scales));  // else the weights'
  line("homography", difficulty, max_angle_deg, translation, min_convexity);
  line("photometric", strength, gamma, contrast, brightness, noise, blur, shade, blur_probability,
       motion_blur_probability, shade_probability, invert_probability);
  line("scenes", o.scenes_per_photo, o.validation_share, max_objects, max_tilt, max_turn, max_roll,
       max_distance_ratio);
  line("response", "hessian");
  line("seed", o.seed);
  return text.str();
}

std::string ProvenanceOfFeatures(const std::string& superpoint_sha256,
                                 const std::vector<Reconstruction>& reconstructions,
                                 const ReconstructionFeatureOptions& o) {
  std::ostringstream content;
  for (const Reconstruction& reconstruction : reconstructions) {
    size_t points = 0;
    for (const ReconstructedView& view : reconstruction.views) points += view.points.size();
    content << reconstruction.name << '\0' << reconstruction.views.size() << ' ' << points << '\n';
  }
  std::ostringstream text;
  text << ProvenanceOfFeatures(superpoint_sha256, std::vector<ShardPhoto>(), o.views) << "reconstructions "
       << reconstructions.size() << ' ' << Sha256Hex(content.str()) << "\ngroups " << o.groups_per_view << ' '
       << o.min_shared_points << ' ' << o.max_distance_px << '\n';
  return text.str();
}

void RequireProvenance(const std::string& path, const std::string& found, const std::string& expected) {
  if (found == expected) return;
  const std::string remedy = "; delete the file so that they are made anew, or name another with --features";
  if (found.empty()) {
    throw UsageError(
        path + ": does not say from which SuperPoint, photos and options its features were made" + remedy);
  }
  const Lines in_file = Parse(found), wanted = Parse(expected);
  std::set<std::string> keys;
  for (const auto& item : in_file) keys.insert(item.first);
  for (const auto& item : wanted) keys.insert(item.first);
  std::string differences;
  for (const std::string& key : keys) {
    const std::string is = ValueOf(in_file, key), should_be = ValueOf(wanted, key);
    if (is == should_be) continue;
    differences += (differences.empty() ? "" : ", ") + key + " is " + is + ", expected " + should_be;
  }
  throw UsageError(path + ": its features were made otherwise than this training's: " + differences + remedy);
}

}  // namespace colmatch
