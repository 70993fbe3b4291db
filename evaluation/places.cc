// Distinct places; see places.h.
#include "evaluation/places.h"

namespace colmatch {

int CountPlaces(const std::vector<cv::Point2f>& points, double radius_px) {
  std::vector<cv::Point2f> places;
  for (const cv::Point2f& point : points) {
    bool is_new = true;
    for (size_t i = 0; i < places.size() && is_new; ++i) {
      const cv::Point2d apart = cv::Point2d(places[i]) - cv::Point2d(point);
      is_new = apart.dot(apart) > radius_px * radius_px;
    }
    if (is_new) places.push_back(point);
  }
  return static_cast<int>(places.size());
}

}  // namespace colmatch
