// Local affine maps from one image to another, fitted robustly to the matches around each of many points: the
// arithmetic of local_guidance.h, with vectors.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

// A match of two points, pixels of their images.
struct PointMatch {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  float weight = 1;   // positive
  int64_t owner = 0;  // index of the point in image 0
};

// (N) each: where a point is in the other image, pixels, and how surely: 1 / (2 variance), per square pixel;
// 0 where its neighbours do not agree or are too few.
struct FittedPlaces {
  std::vector<float> x, y, precision;
};

inline constexpr int kMostNeighbors = 32;

struct LocalFitOptions {
  int num_neighbors = 12;      // nearest matches, but the point's own; at most kMostNeighbors count
  int min_neighbors = 5;       // with fewer nothing is said
  float location_noise = 1;    // standard deviation of a place were its map exact, pixels
  float first_tolerance = 80;  // residuals that are borne at first, pixels, halved in every round ...
  float last_tolerance = 3;    // ... down to these, which have three rounds
  float min_support = 0.5f;    // share of the neighbours' weight that agrees
};

// points: N x and y by turns. The map of each point is affine, fitted by least squares whose weights (Geman
// and McClure's) fall with residuals, first slowly, then quickly (Blake and Zisserman 1987). The point's own
// match has no say.
FittedPlaces FitPlaces(const float* points, int64_t n, const std::vector<PointMatch>& matches,
                       const LocalFitOptions& options);

// The same with vectors of `lanes` floats (4, 8 or 16), which the machine must have: for tests of each path.
FittedPlaces FitPlacesWith(int lanes, const float* points, int64_t n, const std::vector<PointMatch>& matches,
                           const LocalFitOptions& options);

// Log odds that guidance adds to a coupling score or takes from it.
struct GuidanceStrength {
  float bonus = 3;    // where a keypoint should be
  float penalty = 6;  // far from there
  float doubt = 2;    // where neither image says where that is
};

// What is known of the second image when coupling scores are guided: its M keypoints, and where the first has
// them.
struct GuidedColumns {
  std::vector<float> x, y;
  FittedPlaces places;
};

// The same of one keypoint of the first image.
struct GuidedRow {
  float x = 0, y = 0, place_x = 0, place_y = 0, precision = 0;
};

// guided = scores + max(bonus - e, -penalty), M each: e is the squared distance of one image's place and the
// other's keypoint times the place's precision, the mean of both images' places that have any; where neither
// has, guided = scores - doubt.
void GuideRow(const float* scores, const GuidedRow& row, const GuidedColumns& columns,
              const GuidanceStrength& strength, float* guided);
void GuideRowWith(int lanes, const float* scores, const GuidedRow& row, const GuidedColumns& columns,
                  const GuidanceStrength& strength, float* guided);

// GuideRow of listed columns: scores and guided have an entry for each of `count` columns.
void GuideListed(const float* scores, const int32_t* listed, int64_t count, const GuidedRow& row,
                 const GuidedColumns& columns, const GuidanceStrength& strength, float* guided);
void GuideListedWith(int lanes, const float* scores, const int32_t* listed, int64_t count,
                     const GuidedRow& row, const GuidedColumns& columns, const GuidanceStrength& strength,
                     float* guided);

// Points of an image, x and y by turns, and where the other image has them.
struct PlacedPoints {
  const float* xy;
  const FittedPlaces& places;
};

// Adds `each` to of_from[i] and of_to[j] for all pairs of points that guidance could raise because of
// `from`'s place: squared distance times precision is less than `bonus` there, and so is the mean of both
// images' where `to` has a place too. Any pair that is raised at all is found from one image or the other.
void AddRaised(const PlacedPoints& from, const PlacedPoints& to, float bonus, float each, float* of_from,
               float* of_to);

}  // namespace colmatch
