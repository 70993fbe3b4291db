// Scenes of a few textured rectangles in space, seen by several cameras: training pairs with parallax and
// occlusion whose ground truth is exact. A photo and its homographies are the case of one rectangle.
#pragma once

#include <cstddef>
#include <vector>

#include "training/data/homography.h"
#include "training/data/shards.h"
#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

// A rectangle with a photo on it, as a view sees it. Plane coordinates are the photo's pixels.
struct PlaneInView {
  Homography view_from_plane;  // to pixels; the third homogeneous coordinate is the depth, positive in front
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // the part of the photo that the rectangle shows
};
using SceneView = std::vector<PlaneInView>;  // as many planes in the same order in all views of a scene

struct ScenePoint {
  int plane = -1;  // -1: nothing is seen there
  Point2 place;    // on it
};

// What a view shows at a pixel: the nearest plane.
class SceneGeometry {
 public:
  explicit SceneGeometry(SceneView planes);
  ScenePoint At(Point2 pixel) const;
  Point2 Project(const ScenePoint& point) const {
    return planes_[point.plane].view_from_plane.Apply(point.place);
  }

 private:
  SceneView planes_;
  std::vector<Homography> plane_from_view_;
};

struct PlanarSceneOptions {
  int max_objects = 5;       // rectangles before the background, at least 1
  double max_tilt_deg = 50;  // of a rectangle against the first camera
  double max_turn_deg = 35;  // of the cameras about the scene, left and right; a half of it up and down
  double max_roll_deg = 25;  // about their axes
  double max_distance_ratio = 1.6;  // of the farthest camera's distance to the nearest one's
};

struct PlanarScene {
  std::vector<size_t> photos;  // of each plane, indices into what SampleScene was given
  std::vector<SceneView> views;
};

// photos: sizes matter only. Width and height of the views, pixels. The background is plane 0.
PlanarScene SampleScene(const std::vector<const ShardPhoto*>& photos, int num_views, int width, int height,
                        const PlanarSceneOptions& options, Rng& rng);

// textures[i] belongs to plane i. Where there is no plane the picture is a soft grey.
FloatImage RenderView(const SceneView& view, const std::vector<FloatImage>& textures, int width, int height);

}  // namespace colmatch
